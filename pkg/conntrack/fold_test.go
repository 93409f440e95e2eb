// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// A table far too small for its addresses still has all that matters, and says
// by how much it may be wrong.
func TestFold(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	tally := newTestTally(Options{})
	tally.table = newTable(4096, 1<<15)
	truth := map[netip.Addr]uint64{}
	const all = 200_000
	for i := range all {
		a := public(r)
		switch i % 10 {
		case 0, 1, 2:
			a = within("203.0.113.0/26", uint64(r.IntN(64)))
		case 3:
			a = within("2001:db8:1::/64", r.Uint64N(1<<40))
		case 4:
			a = addr("198.51.100.7")
		}
		truth[a]++
		tally.Add(established(a, uint32(r.IntN(4000))))
	}
	s := tally.Summary(70)
	if !s.Folded || len(tally.table.records) > 4096 || tally.table.live > 1<<15 {
		t.Errorf("folded %v, %d records, %d classes", s.Folded, len(tally.table.records), tally.table.live)
	}
	var sum uint64
	for i := range tally.table.records {
		sum += uint64(tally.table.records[i].count)
	}
	if sum != all {
		t.Errorf("%d of %d entries are left", sum, all)
	}
	for _, g := range append(s.Addresses, s.Prefixes...) {
		var want uint64
		for a, n := range truth {
			if g.Prefix.Contains(a) {
				want += n
			}
		}
		if g.Entries > want || g.Entries+g.Missing < want {
			t.Errorf("%v: counted %d, missing at most %d, there are %d", g.Prefix, g.Entries, g.Missing, want)
		}
	}
	named := map[string]bool{}
	for _, g := range s.Prefixes {
		named[g.Prefix.String()] = true
	}
	for _, want := range []string{"203.0.113.0/26", "2001:db8:1::/64", "198.51.100.7/32"} {
		if !named[want] {
			t.Errorf("no %s in\n%s", want, lines(s))
		}
	}
}

func TestFoldedPrefixesAreExact(t *testing.T) {
	tally := newTestTally(Options{})
	tally.table = newTable(1024, 1<<15)
	const all = 65536
	for i := range uint32(all) {
		tally.Add(established(v4(10<<24|i), i%64))
	}
	s := tally.Summary(1)
	if got := lines(s); got != "10.0.0.0/16 65536 65536\n" || s.Prefixes[0].Median < 30*time.Second || s.Prefixes[0].Median > 33*time.Second {
		t.Errorf("got %s %+v", got, s.Prefixes)
	}
}
