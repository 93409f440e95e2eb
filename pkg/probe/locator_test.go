// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"github.com/synwatch/synwatch/pkg/needs"
)

func TestLocate(t *testing.T) {
	for addr, want := range map[uint64]string{
		0xffffffff81000011: "tcp_v4_rcv",
		0xffffffff81000150: "tcp_v4_rcv",
		// The call was tcp_v4_rcv's last instruction.
		0xffffffff81000200: "tcp_v4_rcv",
		0xffffffff81000201: "tcp_v6_rcv",
		0xffffffffc0000999: "nft_do_chain",
		0x1000:             "",
	} {
		l := locator{known: map[uint64]string{}}
		err := l.learnFrom([]uint64{addr}, func(f func(uint64, byte, []byte)) error {
			return readKallsyms(strings.NewReader(someSymbols), f)
		})
		if err != nil || l.known[addr] != want {
			t.Errorf("%#x lies in %q, %v; want %q", addr, l.known[addr], err, want)
		}
	}
}

func TestSymbolIn(t *testing.T) {
	for text, want := range map[string]string{
		"tcp_v4_rcv+0x10/0x200\x00rest of a longer one+0x1/0x2": "tcp_v4_rcv",
		"nf_ct_delete.part.0+0x10/0x20 [nf_conntrack]\x00":      "nf_ct_delete",
		"0xffffffff81000010\x00":                                "",
	} {
		got, found := symbolIn([]byte(text))
		if found != (want != "") || found && got != want {
			t.Errorf("%q names %q, %v; want %q", text, got, found, want)
		}
	}
}

// The kernel gives the names that its list of symbols has.
func TestKernelNamesLocations(t *testing.T) {
	l := newLocator(newTestLoader(t))
	defer l.close()
	needs.Able(t, features.HaveProgramHelper(ebpf.RawTracepoint, asm.FnSnprintf), ebpf.ErrNotSupported)
	wanted := map[string]uint64{}
	for _, h := range hooks {
		wanted[h.name] = 0
	}
	err := scanKallsyms(func(addr uint64, kind byte, name []byte) {
		if _, is := wanted[string(name)]; is && strings.ContainsRune("tT", rune(kind)) {
			wanted[string(name)] = addr
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for want, addr := range wanted {
		if addr == 0 {
			continue
		}
		asked++
		// As if a call were the function's first instruction.
		if got, ok := l.ask(addr + 5); !ok || got != want {
			t.Errorf("%#x lies in %q, %v; want %q", addr+5, got, ok, want)
		}
	}
	if asked < 10 {
		t.Errorf("only %d symbols have an address", asked)
	}
}
