// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
)

// A table's entries follow each other without a gap, and its chains begin and end at
// entries.
func TestXTable(t *testing.T) {
	for _, tables := range []*ipTables{ipTables4, ipTables6} {
		f, hooks := V4, 12+32
		if tables == ipTables6 {
			f = V6
		}
		raw := tables.replace(natTable, []xtRule{dnatRule(noAddr(f), noAddr(f)), masqueradeRule(noAddr(f), 1)}, 5, 7)
		u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(raw[at:]) }
		count, size := u32(36), u32(40)
		entries := raw[hooks+2*5*4+4+8:]
		if int(size) != len(entries) {
			t.Fatalf("%d bytes of entries, not %d", len(entries), size)
		}
		var starts []uint32
		for at := uint32(0); at < size; {
			starts = append(starts, at)
			at += uint32(binary.NativeEndian.Uint16(entries[int(at)+tables.offsets+2:]))
		}
		if len(starts) != int(count) || count != 7 {
			t.Fatalf("entries at %v, not %d", starts, count)
		}
		// Of the hooks, forward has no chain.
		for i, want := range []uint32{starts[0], starts[2], 0, starts[3], starts[4]} {
			if got := u32(hooks + 4*i); got != want {
				t.Errorf("chain %d begins at %d, not %d", i, got, want)
			}
			if end := u32(hooks + 20 + 4*i); !slices.Contains(starts, end) {
				t.Errorf("chain %d ends at %d", i, end)
			}
		}
	}
}

// A rule's matches and target lie at multiples of eight bytes.
func TestXTRule(t *testing.T) {
	to := netip.MustParseAddrPort("10.9.0.1:443")
	for name, rule := range map[string]xtRule{"dnat": dnatRule(to, to), "masquerade": masqueradeRule(to, 5000), "reject": rejectRule(to)} {
		entry := ipTables4.rule(rule)
		target := int(binary.NativeEndian.Uint16(entry[88:]))
		if target != 112+48 || len(entry)%8 != 0 {
			t.Errorf("%s: target at %d, %d bytes", name, target, len(entry))
		}
		if size := int(binary.NativeEndian.Uint16(entry[target:])); target+size != len(entry) {
			t.Errorf("%s: target of %d bytes at %d of %d", name, size, target, len(entry))
		}
		if port := binary.NativeEndian.Uint16(entry[112+32+4:]); port != 443 {
			t.Errorf("%s: port %d", name, port)
		}
	}
}
