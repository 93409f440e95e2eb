// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"net/netip"
)

const (
	// MaxAddresses is how many addresses are counted one by one.
	//
	// It and tableClasses bound the memory: 4 MB of index, 28 bytes for an address
	// with its first class, 12 for each further class. It is taken at once and
	// becomes resident as it is used.
	MaxAddresses = 1 << 19
	tableClasses = 1 << 19
)

// table counts entries by address and class, exactly, while there is room for
// all addresses. Then those with the fewest entries are folded into prefixes.
type table struct {
	seed    [2]uint64 // so that clients cannot choose addresses that collide
	index   []uint32  // open addressing; positions in records, from 1
	records []record  // to its capacity and no further
	classes []more
	unused  uint32 // a chain of classes
	live    int    // classes that are in use
	most    int    // of which there should be no more than this
	rung    int    // how far addresses were folded
	entries uint64
}

// record is what an address, or a prefix that addresses were folded into, has.
type record struct {
	addr  [16]byte // IPv4 as IPv4-mapped
	count uint32   // of all classes
	more  uint32   // classes but the first; a position in classes, from 1
	class class    // the first; its count is what the others leave
	bits  uint8    // length of the prefix, 128 for an address
}

// more is a further class of a record.
type more struct {
	count uint32
	next  uint32
	class class
}

const addressBits = 128

func newTable(addresses, classes int) *table {
	size := 1
	for size < 2*addresses {
		size *= 2
	}
	return &table{
		seed: [2]uint64{rand.Uint64(), rand.Uint64()}, index: make([]uint32, size),
		// To merge two records may take one class more.
		records: make([]record, 0, addresses), classes: make([]more, 0, classes+addresses), most: classes,
	}
}

// add counts an entry.
func (t *table) add(addr [16]byte, c class) {
	t.entries++
	if len(t.records) == cap(t.records) || t.live >= t.most {
		t.fold()
	}
	t.count(t.record(addr, addressBits, c), c, 1)
}

// record finds or makes a record. The class is a new one's first.
func (t *table) record(addr [16]byte, bits uint8, c class) *record {
	at := t.slot(addr, bits)
	if *at == 0 {
		t.records = append(t.records, record{addr: addr, bits: bits, class: c})
		*at = uint32(len(t.records))
	}
	return &t.records[*at-1]
}

// slot is where the index has a record, or would have it.
func (t *table) slot(addr [16]byte, bits uint8) *uint32 {
	mask := uint64(len(t.index) - 1)
	for i := t.hash(&addr) & mask; ; i = (i + 1) & mask {
		at := &t.index[i]
		if *at == 0 {
			return at
		}
		if r := &t.records[*at-1]; r.addr == addr && r.bits == bits {
			return at
		}
	}
}

// hash folds the products of an address and the seed, as wyhash does; its cost is
// paid for every entry.
func (t *table) hash(addr *[16]byte) uint64 {
	high, low := bits.Mul64(binary.NativeEndian.Uint64(addr[:8])^t.seed[0], binary.NativeEndian.Uint64(addr[8:])^t.seed[1])
	high, low = bits.Mul64(high^low^t.seed[0], 0x9e3779b97f4a7c15)
	return high ^ low
}

// count counts n entries of a class to a record.
func (t *table) count(r *record, c class, n uint32) {
	r.count += n
	if r.class == c {
		return
	}
	for before, at := &r.more, r.more; at != 0; {
		m := &t.classes[at-1]
		if m.class == c {
			m.count += n
			if at != r.more { // to the front, as it is likely to come again
				*before, m.next, r.more = m.next, r.more, at
			}
			return
		}
		before, at = &m.next, m.next
	}
	r.more = t.newClass(more{n, r.more, c})
}

func (t *table) newClass(m more) uint32 {
	t.live++
	if at := t.unused; at != 0 {
		t.unused = t.classes[at-1].next
		t.classes[at-1] = m
		return at
	}
	t.classes = append(t.classes, m)
	return uint32(len(t.classes))
}

// release takes a class out of use and returns what it was.
func (t *table) release(at uint32) more {
	t.live--
	m := t.classes[at-1]
	t.classes[at-1].next, t.unused = t.unused, at
	return m
}

// each calls fn for each class of a record.
func (t *table) each(r *record, fn func(class, uint32)) {
	first := r.count
	for at := r.more; at != 0; {
		m := &t.classes[at-1]
		fn(m.class, m.count)
		first -= m.count
		at = m.next
	}
	fn(r.class, first)
}

func (r *record) prefix() netip.Prefix {
	return prefixOf(r.addr, int(r.bits))
}

// prefixOf makes an IPv4 prefix of one of IPv4-mapped addresses.
func prefixOf(addr [16]byte, bits int) netip.Prefix {
	a := netip.AddrFrom16(addr)
	if a.Is4In6() && bits >= addressBits-32 {
		a, bits = a.Unmap(), bits-(addressBits-32)
	}
	return netip.PrefixFrom(a, bits).Masked()
}
