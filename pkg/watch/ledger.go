// SPDX-License-Identifier: Apache-2.0

package watch

import "github.com/synwatch/synwatch/pkg/host"

// movement is how far counters went, by network namespace and name.
type movement map[uint32]map[string]uint64

func (m movement) add(netns uint32, counter string, n uint64) {
	if m[netns] == nil {
		m[netns] = map[string]uint64{}
	}
	m[netns][counter] += n
}

// ledger adds up the movement of the kernel's counters from sample to sample.
type ledger struct {
	last  host.Sample
	moved movement
	// unsure is what moved while the hooks were being switched on or off.
	unsure movement
	// here is the namespaces of the newest sample.
	here map[uint32]bool
}

// newLedger opens a ledger at the baseline.
func newLedger(base host.Sample) *ledger {
	l := &ledger{last: host.Sample{}, moved: movement{}, unsure: movement{}}
	l.add(base, false)
	l.moved = movement{}
	return l
}

// add enters a sample. What is seen for the first time has moved from zero, and
// so has a namespace of which a counter went back: it is a new one that was
// given an old one's number. What is missing stays as it was last.
func (l *ledger) add(s host.Sample, switching bool) {
	l.here = map[uint32]bool{}
	for netns, values := range s {
		l.here[netns] = true
		if wentBack(l.last[netns], values) {
			delete(l.last, netns)
		}
		if l.last[netns] == nil {
			l.last[netns] = host.Values{}
		}
		for counter, v := range values {
			delta := v - l.last[netns][counter]
			l.last[netns][counter] = v
			l.moved.add(netns, counter, delta)
			if switching {
				l.unsure.add(netns, counter, delta)
			}
		}
	}
}

func wentBack(last, now host.Values) bool {
	for counter, v := range now {
		if v < last[counter] {
			return true
		}
	}
	return false
}

// knows says whether the namespace was ever in a sample.
func (l *ledger) knows(netns uint32) bool { return l.last[netns] != nil }

// has says whether the kernel has the counter at all.
func (l *ledger) has(counter string) bool {
	for _, values := range l.last {
		if _, ok := values[counter]; ok {
			return true
		}
	}
	return false
}
