// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/nstat"
)

// limit is a limit of the kernel's that a rule is about: what is over it now is
// refused now.
type limit struct {
	rule, sysctl string
	// full is the finding's title where the limit is reached.
	full  string
	taken func(*Facts) (n uint64, known bool)
	// usual is the kernel's own choice, 0 for unknown, and why it is that.
	usual func(*Facts) (uint64, string)
}

var limits = []limit{
	{
		"orphans", maxOrphans, "there are more connections without an owner than tcp_max_orphans lets be",
		ofSockets(func(s *nstat.TCPSockets) uint64 { return s.Orphans }), byMemory((*Facts).usualOrphans),
	},
	{
		"time-wait-full", twBuckets, "there are as many connections in TIME_WAIT as tcp_max_tw_buckets lets be",
		ofSockets(func(s *nstat.TCPSockets) uint64 { return s.TimeWait }), byMemory((*Facts).usualTimeWait),
	},
	{
		"neighbour-table", neighbours[0].sysctl + "3", "the neighbour table (ARP) is full",
		func(f *Facts) (uint64, bool) { return f.neighbours(0) }, usualNeighbours,
	},
	{
		"neighbour-table", neighbours[1].sysctl + "3", "the neighbour table (neighbour discovery) is full",
		func(f *Facts) (uint64, bool) { return f.neighbours(1) }, usualNeighbours,
	},
}

func ofSockets(number func(*nstat.TCPSockets) uint64) func(*Facts) (uint64, bool) {
	return func(f *Facts) (uint64, bool) {
		if f.Space.Sockets == nil {
			return 0, false
		}
		return number(f.Space.Sockets), true
	}
}

func (f *Facts) neighbours(table int) (uint64, bool) {
	n, known := f.Space.Counters[neighbours[table].prefix+"entries"]
	return n, known
}

// byMemory is a limit that the kernel chooses by the machine's memory, 0 where that
// is not known.
func byMemory(usual func(*Facts) uint64) func(*Facts) (uint64, string) {
	return func(f *Facts) (uint64, string) {
		if f.System.Memory == 0 {
			return 0, ""
		}
		return usual(f), "the kernel's own choice for " + bytes(f.System.Memory) + " of memory"
	}
}

// usualNeighbours is gc_thresh3 (net/ipv4/arp.c:arp_tbl, net/ipv6/ndisc.c:nd_tbl).
func usualNeighbours(*Facts) (uint64, string) { return defaultNeighbours, "the kernel's own choice" }

// judgeLimits makes a finding critical whose limit is reached now, and sets a limit
// against the kernel's own choice for this memory.
func (f *Facts) judgeLimits(x *Finding) {
	for i := range limits {
		l := &limits[i]
		now, known := f.number(l.sysctl)
		if l.rule != x.ID || !known || now == 0 || !x.mentions(l.sysctl) {
			continue
		}
		if n, known := l.taken(f); known && n >= now {
			x.Severity, x.Title = Critical, l.full
		}
		if usual, why := l.usual(f); now < usual {
			x.Evidence = append(x.Evidence, Evidence{What: why, Value: fmt.Sprint(usual), Where: "of " + l.sysctl + ", which was set lower"})
			x.atLeast(l.sysctl, usual, why)
		}
	}
}

// mentions says whether a sysctl is among the evidence.
func (x *Finding) mentions(sysctl string) bool {
	for _, e := range x.Evidence {
		if e.What == sysctl {
			return true
		}
	}
	return false
}

// atLeast has a finding raise a sysctl to the kernel's own choice or above.
func (x *Finding) atLeast(sysctl string, usual uint64, why string) {
	for i := range x.Changes {
		if c := &x.Changes[i]; c.Sysctl == sysctl {
			var value uint64
			if _, err := fmt.Sscan(c.Value, &value); err == nil && value < usual {
				c.Value, c.Why = fmt.Sprint(usual), why
			}
			return
		}
	}
	x.Changes = append(x.Changes, set(sysctl, usual, why))
}
