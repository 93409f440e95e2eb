// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"encoding/binary"
	"net/netip"
)

// Mix says which sources packets come from. Each source is drawn at random, by a
// generator that gives the same sources every time.
type Mix struct {
	Sources uint32 // at a time
	Churn   uint32 // after so many packets a new source takes the place of the oldest; 0: never
	Seed    uint64 // another one draws others
	Reset   bool   // RSTs in place of SYNs: the kernel does not answer them, and they are no drops
}

// random is what the generator starts with.
func (m Mix) random() uint64 { return m.Seed + 1 }

// numbers are those of the sources of the first n packets, as the XDP program
// draws them (bpf/flood.bpf.c:write_source).
func (m Mix) numbers(n uint64) func(yield func(uint32) bool) {
	return func(yield func(uint32) bool) {
		random := m.random()
		for passed := range n {
			random = random*6364136223846793005 + 1442695040888963407
			number := uint32((random >> 32) * uint64(m.Sources) >> 32)
			if m.Churn > 0 {
				number += uint32(passed / uint64(m.Churn))
			}
			if !yield(number % MaxSources) {
				return
			}
		}
	}
}

// counts is how many of the first n packets come from each source.
func (m Mix) counts(first netip.Addr, n uint64) map[netip.Addr]uint64 {
	byNumber := map[uint32]uint64{}
	for number := range m.numbers(n) {
		byNumber[number]++
	}
	counts := make(map[netip.Addr]uint64, len(byNumber))
	for number, count := range byNumber {
		counts[address(first, number)] = count
	}
	return counts
}

// address is that of a source.
func address(first netip.Addr, number uint32) netip.Addr {
	a := first.As4()
	binary.BigEndian.PutUint32(a[:], binary.BigEndian.Uint32(a[:])+number)
	return netip.AddrFrom4(a)
}
