// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"net/netip"
	"slices"
)

const (
	// A range is named when at least this share of a total, in percent, comes from it
	// and from at least this many of its sources.
	rangeShare   = 80
	rangeSources = 4
)

// shortest are the shortest prefixes that one operator has: a wider range says
// nothing about a source.
var shortest = map[bool]int{true: 8, false: 16} // IPv4, IPv6

// Range is a network from which most of a total comes.
type Range struct {
	Prefix  netip.Prefix
	Count   uint64
	Sources int
}

// Weighed is how much of a total comes from a source.
type Weighed struct {
	Src   netip.Addr
	Count uint64
}

// Covering returns the smallest network that holds four fifths of a total, nil
// if there is none, or if a few sources do. The total may be more than the
// sources' sum.
func Covering(bySource map[netip.Addr]uint64, total uint64) *Range {
	sources := make([]Weighed, 0, len(bySource))
	for src, n := range bySource {
		sources = append(sources, Weighed{src, n})
	}
	slices.SortFunc(sources, func(a, b Weighed) int { return a.Src.Compare(b.Src) })
	return CoveringSorted(sources, total)
}

// CoveringSorted is Covering of sources that are in the order of their addresses.
func CoveringSorted(sources []Weighed, total uint64) *Range {
	// What is no address comes first, then IPv4.
	v4, _ := slices.BinarySearchFunc(sources, 32, byBits)
	v6, _ := slices.BinarySearchFunc(sources, 128, byBits)
	for _, family := range [][]Weighed{sources[v4:v6], sources[v6:]} {
		if r := narrow(family, total); r != nil {
			return r
		}
	}
	return nil
}

func byBits(s Weighed, bits int) int { return cmp.Compare(s.Src.BitLen(), bits) }

func most(n, total uint64) bool { return n*100 >= total*rangeShare }

// narrow halves the range of all sources of a family for as long as one half holds
// enough. The sources are sorted, so that a half is a run of them.
func narrow(sources []Weighed, total uint64) *Range {
	// sums[i] is that of the sources before number i.
	sums := make([]uint64, len(sources)+1)
	for i, s := range sources {
		sums[i+1] = sums[i] + s.Count
	}
	first, end := 0, len(sources)
	enough := func(from, to int) bool { return to-from >= rangeSources && most(sums[to]-sums[from], total) }
	if total == 0 || !enough(first, end) {
		return nil
	}
	bits := 0
	for bits < sources[first].Src.BitLen() {
		half, _ := sources[first].Src.Prefix(bits + 1)
		within, _ := slices.BinarySearchFunc(sources[first:end], half, func(s Weighed, p netip.Prefix) int {
			if p.Contains(s.Src) {
				return -1
			}
			return 1
		})
		at := first + within
		if enough(first, at) {
			end = at
		} else if enough(at, end) {
			first = at
		} else {
			break
		}
		bits++
	}
	prefix, _ := sources[first].Src.Prefix(bits)
	if bits < shortest[prefix.Addr().Is4()] {
		return nil
	}
	return &Range{Prefix: prefix, Count: sums[end] - sums[first], Sources: end - first}
}
