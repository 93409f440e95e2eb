// SPDX-License-Identifier: Apache-2.0

package conntrack

// rungs are the lengths to which addresses are folded, one after the other, as
// room runs out. The last is one prefix for each family.
var rungs = []struct{ v4, v6 uint8 }{{24, 64}, {16, 48}, {8, 32}, {0, 0}}

// minor says of how many entries an address is folded no more: one in so many
// of all.
const minor = 1024

// fold makes room: it replaces the addresses that have few entries by the
// prefixes around them. What is counted for a prefix of at least that length
// remains exact; what was counted for a longer one may be less than there is, by
// at most what the folded prefixes around it hold.
func (t *table) fold() {
	for rung := range len(rungs) {
		t.foldTo(rung + 1)
		t.rung = max(t.rung, rung+1)
		if 2*len(t.records) <= cap(t.records) && 4*t.live <= 3*t.most {
			return
		}
	}
	// What is left has many entries, and may have classes by right.
	t.most = max(t.most, 2*t.live)
}

// foldTo folds to a rung, from 1. Records only ever move to the front.
func (t *table) foldTo(rung int) {
	least := uint32(t.entries / minor)
	old := t.records
	t.records = t.records[:0]
	clear(t.index)
	for i := range old {
		r := old[i]
		if r.count <= least {
			r = r.folded(rung)
		}
		at := t.slot(r.addr, r.bits)
		if *at == 0 {
			t.records = append(t.records, r)
			*at = uint32(len(t.records))
			continue
		}
		t.merge(&t.records[*at-1], &r)
	}
}

// folded returns the record with its address cut to the length of a rung.
func (r record) folded(rung int) record {
	to := rungs[rung-1].v6
	if r.isIPv4() {
		to = addressBits - 32 + rungs[rung-1].v4
	}
	if to < r.bits {
		r.bits = to
		r.addr = masked(r.addr, int(to))
	}
	return r
}

func (r *record) isIPv4() bool {
	const mapped = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff"
	return string(r.addr[:12]) == mapped
}

func masked(addr [16]byte, bits int) [16]byte {
	for i := range addr {
		keep := min(max(bits-8*i, 0), 8)
		addr[i] &= ^byte(0xff >> keep)
	}
	return addr
}

// merge adds a record to another and frees its classes.
func (t *table) merge(to, from *record) {
	first := from.count
	for at := from.more; at != 0; {
		m := t.release(at)
		t.count(to, m.class, m.count)
		first -= m.count
		at = m.next
	}
	if first > 0 {
		t.count(to, from.class, first)
	}
}
