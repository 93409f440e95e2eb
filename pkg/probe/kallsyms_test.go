// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"strings"
	"testing"
)

const someSymbols = `ffffffff81000000 T _text
ffffffff81000010 t tcp_v4_rcv.cold
ffffffff81000100 T tcp_v4_rcv
ffffffff81000180 d table
ffffffff81000200 T tcp_v6_rcv
ffffffffc0000000 t nft_do_chain	[nf_tables]
`

func TestReadKallsyms(t *testing.T) {
	var got []string
	err := readKallsyms(strings.NewReader(someSymbols), func(_ uint64, kind byte, name []byte) {
		got = append(got, string(kind)+" "+string(name))
	})
	want := "T _text,t tcp_v4_rcv.cold,T tcp_v4_rcv,d table,T tcp_v6_rcv,t nft_do_chain"
	if err != nil || strings.Join(got, ",") != want {
		t.Fatalf("got %v, %v; want %s", got, err, want)
	}
}

func TestReadKallsymsMalformed(t *testing.T) {
	err := readKallsyms(strings.NewReader("not an address\n"), func(uint64, byte, []byte) {})
	if err == nil {
		t.Fatal("no error for a line without an address")
	}
}

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
		l := locator{}
		err := l.learnFrom([]uint64{addr, 0}, func(f func(uint64, byte, []byte)) error {
			return readKallsyms(strings.NewReader(someSymbols), f)
		})
		if err != nil || l[addr] != want {
			t.Errorf("%#x lies in %q, %v; want %q", addr, l[addr], err, want)
		}
	}
}

func TestExtent(t *testing.T) {
	var e extent
	for _, s := range []struct {
		name string
		addr uint64
	}{{"before", 0x1000}, {"f", 0x2000}, {"alias", 0x2000}, {"after", 0x2400}, {"f.cold", 0x9000}} {
		e.add("f", s.name, s.addr)
	}
	if want := (extent{0x2000, 0x2400}); e != want {
		t.Errorf("f reaches over %x, want %x", e, want)
	}
	var hidden extent
	hidden.add("f", "f", 0)
	hidden.add("f", "after", 0)
	if hidden != (extent{}) {
		t.Errorf("where addresses are hidden f reaches over %x", hidden)
	}
}
