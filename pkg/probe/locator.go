// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"strings"

	"github.com/cilium/ebpf"
)

// locator turns return addresses into the functions that they lie in. There are
// few: a call of kfree_skb each.
type locator struct {
	known map[uint64]string
	// namer has the kernel name an address, in name; nil where it cannot, as before
	// 5.13 (bpf_snprintf, commit 7b15523a989b).
	namer *ebpf.Program
	name  *ebpf.Variable
}

func newLocator(l *loader) *locator {
	loc := &locator{known: map[uint64]string{}, name: l.variables["location_name"]}
	loc.namer, _ = l.program("name_location") // without it, all symbols are read
	return loc
}

func (l *locator) close() error {
	if l.namer == nil {
		return nil
	}
	return l.namer.Close()
}

// learn looks up the locations that are not known yet. Where the symbols cannot be
// read, they stay without a name.
func (l *locator) learn(keys []bpfKey) {
	var addrs []uint64
	for i := range keys {
		addr := keys[i].Location
		if _, known := l.known[addr]; known || addr == 0 {
			continue
		}
		var asked bool
		if l.known[addr], asked = l.ask(addr); !asked {
			addrs = append(addrs, addr)
		}
	}
	if len(addrs) > 0 {
		_ = l.learnFrom(addrs, scanKallsyms)
	}
}

// ask has the kernel name an address, and says whether it did.
func (l *locator) ask(addr uint64) (string, bool) {
	if l.namer == nil {
		return "", false
	}
	var text [640]byte
	if _, err := l.namer.Run(&ebpf.RunOptions{Context: addr}); err != nil {
		return "", false
	}
	if err := l.name.Get(&text); err != nil {
		return "", false
	}
	return symbolIn(text[:])
}

// symbolIn is the function in what the kernel writes for an address,
// "tcp_v4_rcv.part.0+0x10/0x20 [module]". For one that lies in no function it writes
// the number.
func symbolIn(text []byte) (string, bool) {
	text, _, _ = bytes.Cut(text, []byte{0})
	symbol, _, found := strings.Cut(string(text), "+")
	return functionName(symbol), found
}

// learnFrom finds the names of addresses in one pass over the symbols.
func (l *locator) learnFrom(addrs []uint64, scan func(func(uint64, byte, []byte)) error) error {
	nearest := map[uint64]*symbol{}
	for _, a := range addrs {
		nearest[a] = &symbol{}
	}
	err := scan(func(addr uint64, kind byte, name []byte) {
		if kind != 't' && kind != 'T' {
			return
		}
		for a, best := range nearest {
			// The address is behind the call, which may end its function.
			if addr < a && addr > best.addr {
				best.addr, best.name = addr, append(best.name[:0], name...)
			}
		}
	})
	for a, best := range nearest {
		l.known[a] = functionName(string(best.name))
	}
	return err
}

type symbol struct {
	addr uint64
	name []byte
}

// functionName drops what the compiler appended: .isra.0, .cold, .part.1.
func functionName(symbol string) string {
	name, _, _ := strings.Cut(symbol, ".")
	return name
}
