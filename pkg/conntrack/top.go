// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"bytes"
	"cmp"
	"slices"
)

// largest keeps the first n in the order of a comparison, of any number.
type largest[T any] struct {
	n       int
	compare func(a, b *T) int
	kept    []T
	full    bool // kept begins with n that are sorted
}

// add offers a value. What comes behind the n-th that is known is not kept.
func (l *largest[T]) add(v *T) {
	if l.full && l.compare(v, &l.kept[l.n-1]) >= 0 {
		return
	}
	l.kept = append(l.kept, *v)
	if len(l.kept) >= 2*l.n+64 {
		l.sorted()
	}
}

func (l *largest[T]) sorted() []T {
	slices.SortFunc(l.kept, func(a, b T) int { return l.compare(&a, &b) })
	l.kept = l.kept[:min(l.n, len(l.kept))]
	l.full = len(l.kept) == l.n
	return l.kept
}

// top returns the addresses with the most entries.
func (t *table) top(n int) []record {
	l := largest[record]{n: n, compare: func(a, b *record) int {
		return cmp.Or(cmp.Compare(b.count, a.count), bytes.Compare(a.addr[:], b.addr[:]))
	}}
	for i := range t.records {
		if r := &t.records[i]; r.bits == addressBits {
			l.add(r)
		}
	}
	return l.sorted()
}

// missing is how many entries of an address may have been folded into prefixes
// around it.
func (t *table) missing(r *record) (n uint64) {
	for rung := 1; rung <= t.rung; rung++ {
		f := r.folded(rung)
		if at := *t.slot(f.addr, f.bits); at != 0 {
			n += uint64(t.records[at-1].count)
		}
	}
	return n
}

// topPorts returns the ports with the most entries, and how many there are.
func (t *Tally) topPorts(n int) ([]Group, int) {
	l := largest[Group]{n: n, compare: func(a, b *Group) int {
		return cmp.Or(byEntries(*a, *b), cmp.Compare(a.Port.Proto, b.Port.Proto), cmp.Compare(a.Port.Port, b.Port.Port))
	}}
	different := 0
	for proto, ports := range t.ports {
		if ports == nil {
			continue
		}
		for port := range ports {
			p := &ports[port]
			if p.entries == 0 {
				continue
			}
			different++
			l.add(&Group{
				Port:    Port{uint8(proto), uint16(port)},
				Entries: uint64(p.entries), Own: uint64(p.entries), Unreplied: uint64(p.unreplied),
			})
		}
	}
	return l.sorted(), different
}
