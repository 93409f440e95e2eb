// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// Summary describes the entries of a table.
type Summary struct {
	// Entries are those that were counted, Passed those that --state or --zone
	// left out.
	Entries, Passed uint64
	IPv6, Unreplied uint64
	Since           Since
	Zones           map[uint16]uint64
	States          []Group // all of them
	Prefixes        []Group
	Addresses       []Group
	Ports           []Group
	// NumAddresses are the different addresses, NumPorts the different ports.
	NumAddresses, NumPorts int
	// Folded says that there were more addresses than can be counted one by one:
	// those with few entries were counted by their prefixes, and NumAddresses is
	// too small.
	Folded bool
}

// Chief is the narrowest of the prefixes, which may be a single address, that
// hold more than half of the entries; nil if none does.
func (s *Summary) Chief() *Group {
	var chief *Group
	for i := range s.Prefixes {
		if g := &s.Prefixes[i]; g.Entries*2 > s.Entries && (chief == nil || g.Prefix.Bits() > chief.Prefix.Bits()) {
			chief = g
		}
	}
	return chief
}

// Group is some of the entries.
type Group struct {
	// One of these says which; Prefix is also a single address.
	Kind   *Kind
	Prefix netip.Prefix
	Port   Port

	Entries   uint64
	Unreplied uint64
	// Missing is how many entries there may be beyond Entries.
	Missing uint64
	// Own are those that are in no narrower prefix of the summary.
	Own uint64
	// Addresses is how many different ones a prefix holds.
	Addresses int
	// Mostly is the most frequent kind.
	Mostly        Kind
	MostlyEntries uint64
	// Median is that of the age or idle time of MedianOf entries, within 1/32.
	Median   time.Duration
	MedianOf uint64
}

// Port is a port of a protocol.
type Port struct {
	Proto uint8
	Port  uint16
}

// Summary sums up, with as many addresses and ports as top says, which have the
// most. The tally cannot be used after it.
func (t *Tally) Summary(top int) Summary {
	s := Summary{
		Entries: t.total, Passed: t.passed, IPv6: t.v6, Unreplied: t.total - t.replied,
		Since: t.clock.Since, Zones: map[uint16]uint64{}, States: t.states(),
	}
	for zone, n := range t.zones {
		if n > 0 {
			s.Zones[uint16(zone)] = n
		}
	}
	s.Ports, s.NumPorts = t.topPorts(top)
	if t.table != nil {
		s.NumAddresses, s.Folded = len(t.table.records), t.table.rung > 0
		for _, r := range t.table.top(top) {
			g := t.group([]record{r})
			g.Missing = t.table.missing(&r)
			s.Addresses = append(s.Addresses, g)
		}
		s.Prefixes = t.prefixes()
	}
	return s
}

func (t *Tally) states() []Group {
	var groups []Group
	for _, k := range t.kinds {
		if k.total > 0 {
			g := Group{Kind: &k.Kind}
			g.fill(t, &k.histogram)
			groups = append(groups, g)
		}
	}
	slices.SortStableFunc(groups, byEntries)
	return groups
}

// prefixes are all that are worth naming.
func (t *Tally) prefixes() []Group {
	var groups []Group
	for _, c := range t.table.clusters() {
		g := t.group(c.records)
		g.Prefix, g.Own, g.Missing = prefixOf(c.addr, c.bits), c.own, c.missing
		groups = append(groups, g)
	}
	slices.SortStableFunc(groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Own, a.Own), a.Prefix.Addr().Compare(b.Prefix.Addr()), cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()))
	})
	return groups
}

// group describes the entries of some records.
func (t *Tally) group(records []record) Group {
	var h histogram
	for i := range records {
		t.table.each(&records[i], h.add)
	}
	g := Group{Prefix: records[0].prefix(), Addresses: len(records)}
	g.fill(t, &h)
	return g
}

func (g *Group) fill(t *Tally, h *histogram) {
	g.Entries, g.Own, g.Unreplied = h.total, h.total, h.total-h.replied
	for kind, n := range h.kinds {
		if n > g.MostlyEntries {
			g.Mostly, g.MostlyEntries = t.kinds[kind].Kind, n
		}
	}
	g.Median, g.MedianOf = h.median()
}

func byEntries(a, b Group) int { return cmp.Compare(b.Entries, a.Entries) }
