// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
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

// Covering returns the smallest network that holds four fifths of a total, nil
// if there is none, or if a few sources do. The total may be more than the
// sources' sum.
func Covering(bySource map[netip.Addr]uint64, total uint64) *Range {
	for _, v4 := range []bool{true, false} {
		if r := covering(bySource, total, v4); r != nil {
			return r
		}
	}
	return nil
}

type weighed struct {
	addr  netip.Addr
	count uint64
}

func covering(bySource map[netip.Addr]uint64, total uint64, v4 bool) *Range {
	ours := func(addr netip.Addr) bool { return addr.IsValid() && addr.Is4() == v4 }
	var num int
	var sum uint64
	for addr, n := range bySource {
		if ours(addr) {
			num++
			sum += n
		}
	}
	if num < rangeSources || total == 0 || !most(sum, total) {
		return nil
	}
	sources := make([]weighed, 0, num)
	for addr, n := range bySource {
		if ours(addr) {
			sources = append(sources, weighed{addr, n})
		}
	}
	slices.SortFunc(sources, func(a, b weighed) int { return a.addr.Compare(b.addr) })
	r := narrow(sources, sum, total)
	if r.Prefix.Bits() < shortest[v4] || r.Sources < rangeSources {
		return nil
	}
	return r
}

func most(n, total uint64) bool { return n*100 >= total*rangeShare }

// narrow halves the range for as long as one half holds enough. The sources are
// sorted, so that a half is a run of them.
func narrow(sources []weighed, sum, total uint64) *Range {
	bits := 0
	for bits < sources[0].addr.BitLen() {
		half, _ := sources[0].addr.Prefix(bits + 1)
		at, _ := slices.BinarySearchFunc(sources, half, func(s weighed, p netip.Prefix) int {
			if p.Contains(s.addr) {
				return -1
			}
			return 1
		})
		var low uint64
		for _, s := range sources[:at] {
			low += s.count
		}
		switch {
		case most(low, total) && at >= rangeSources:
			sources, sum = sources[:at], low
		case most(sum-low, total) && len(sources)-at >= rangeSources:
			sources, sum = sources[at:], sum-low
		default:
			prefix, _ := sources[0].addr.Prefix(bits)
			return &Range{Prefix: prefix, Count: sum, Sources: len(sources)}
		}
		bits++
	}
	prefix, _ := sources[0].addr.Prefix(bits)
	return &Range{Prefix: prefix, Count: sum, Sources: len(sources)}
}
