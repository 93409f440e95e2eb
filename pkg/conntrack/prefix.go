// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"encoding/binary"
	"math"
	"math/bits"
)

const (
	// notable is the least share of all entries that a prefix is named for, one
	// in so many, and widest* the shortest that is.
	notable  = 100
	widestV4 = addressBits - 32 + 8
	widestV6 = 16
	// even is how much of a prefix its smaller half has to hold, one in so many,
	// for the prefix to be more than its larger half with strays beside it.
	even = 10
	// remains is how much of a prefix, one in so many, has to lie outside of the
	// more specific ones for it to be named besides them.
	remains = 4
)

// cluster is a prefix that is worth naming.
type cluster struct {
	addr    [16]byte
	bits    int
	depth   int // the bits that all of its addresses share, at least
	records []record
	count   uint64
	own     uint64 // not in a more specific cluster
	missing uint64 // at most so many more were folded into a wider prefix
}

// clusters finds the prefixes that hold the most, each the smallest around what
// it holds. It reorders the table's records, which puts an end to its index.
func (t *table) clusters() []cluster {
	w := walker{least: max(t.entries/notable, 1)}
	v4 := partition(t.records, (*record).isIPv4)
	return append(w.walk(t.records[:v4], addressBits-32, 0), w.walk(t.records[v4:], 0, 0)...)
}

// walker goes down the binary tree of addresses, past all nodes that do not
// branch.
type walker struct{ least uint64 }

// walk names the prefixes below the one whose records these are. Their first
// bits tell them from all others. Missing is what was folded into wider ones.
func (w *walker) walk(records []record, shared int, missing uint64) []cluster {
	if len(records) == 0 || sum(records) < w.least {
		return nil
	}
	n := newNode(records)
	here := cluster{addr: n.addr, bits: n.length(shared), depth: n.bits, records: records, count: n.count, own: n.count, missing: missing}
	folded, zeros, ones := n.branch()
	missing += sum(folded)
	below := append(w.walk(zeros, n.bits+1, missing), w.walk(ones, n.bits+1, missing)...)
	return w.name(here, below, n.count-max(sum(folded), sum(zeros), sum(ones)))
}

// name decides whether a node is named besides, or instead of, what is named
// below it. Lesser is what is not in
// its larger half.
func (w *walker) name(here cluster, below []cluster, lesser uint64) []cluster {
	if here.tooWide() || len(below) > 0 && lesser*even < here.count {
		return below
	}
	var special []cluster
	for _, c := range below {
		if c.standsOut(&here) {
			special = append(special, c)
			here.own -= c.own
		}
	}
	if here.own < w.least || here.own*remains < here.count && len(below) > 0 {
		return below
	}
	return append(special, here)
}

// standsOut says whether a cluster is worth a line of its own beside one around
// it. To know of an entry that it is in the narrower one saves so many bits of
// its address: it has to save one bit or more for each entry of the wider one.
func (c *cluster) standsOut(around *cluster) bool {
	share := float64(c.own) / float64(around.count)
	return share*(math.Log2(share)+float64(c.depth-around.depth)) >= 1
}

func (c *cluster) tooWide() bool {
	if r := (record{addr: c.addr}); r.isIPv4() && c.bits >= addressBits-32 {
		return c.bits < widestV4
	}
	return c.bits < widestV6
}

func sum(records []record) (n uint64) {
	for i := range records {
		n += uint64(records[i].count)
	}
	return n
}

// node is the prefix that some records share, and no longer one.
type node struct {
	records  []record
	addr     [16]byte
	bits     int
	shortest int // of the records' own lengths
	count    uint64
}

func newNode(records []record) node {
	n := node{records: records, addr: records[0].addr, shortest: addressBits}
	first := words(&records[0])
	var differ [2]uint64
	for i := range records {
		r := &records[i]
		w := words(r)
		differ[0] |= w[0] ^ first[0]
		differ[1] |= w[1] ^ first[1]
		n.shortest = min(n.shortest, int(r.bits))
		n.count += uint64(r.count)
	}
	common := bits.LeadingZeros64(differ[0])
	if differ[0] == 0 {
		common += bits.LeadingZeros64(differ[1])
	}
	n.bits = min(n.shortest, common)
	n.addr = masked(n.addr, n.bits)
	return n
}

func words(r *record) [2]uint64 {
	return [2]uint64{binary.BigEndian.Uint64(r.addr[:8]), binary.BigEndian.Uint64(r.addr[8:])}
}

// branch sorts the records into those that are no part of a longer prefix, those
// whose next bit is 0 and those whose next bit is 1.
func (n *node) branch() (whole, zeros, ones []record) {
	front := 0
	if n.shortest == n.bits {
		front = partition(n.records, func(r *record) bool { return int(r.bits) == n.bits })
	}
	whole, rest := n.records[:front], n.records[front:]
	at, bit := n.bits/8, byte(0x80)>>(n.bits%8)
	middle := partition(rest, func(r *record) bool { return r.addr[at]&bit == 0 })
	return whole, rest[:middle], rest[middle:]
}

// partition moves the records for which first is true to the front and returns
// their number.
func partition(records []record, first func(*record) bool) int {
	front := 0
	for i := range records {
		if first(&records[i]) {
			records[front], records[i] = records[i], records[front]
			front++
		}
	}
	return front
}

// length is the prefix's length as people would give it: for IPv6 that of a
// subnet, or else whole hex digits, where no address between makes a difference.
// At least shared bits are needed to tell it from what is beside it.
func (n *node) length(shared int) int {
	const subnet, digit = 64, 4
	switch v4 := (&record{addr: n.addr}).isIPv4(); {
	case v4 && n.bits >= addressBits-32 || n.bits == addressBits:
		return n.bits
	case n.bits > subnet && shared <= subnet:
		return subnet
	case n.bits/digit*digit >= shared:
		return n.bits / digit * digit
	}
	return n.bits
}
