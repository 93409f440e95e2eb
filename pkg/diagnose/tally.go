// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/synwatch/synwatch/pkg/survey"
)

// Tally is what a trace counted of one cause.
type Tally struct {
	Cause *cause.Cause
	Count uint64
	// BySource has the part of Count whose sources were counted separately, nil if none
	// were.
	BySource map[netip.Addr]uint64
	// Busiest is the place with most of Count, BusiestCount.
	Busiest      Place
	BusiestCount uint64
	// Of that, Resets were answered with a RST, Others were no SYNs, and of Translated
	// source NAT had chosen the source.
	Resets, Others, Translated uint64
	// ByStage has BusiestCount by the stage of the cause, ByDirection and ByProto have
	// Count; what is not known is missing.
	ByStage     map[string]uint64
	ByDirection map[event.Direction]uint64
	ByProto     map[event.Proto]uint64
	// First and Last are when the first and the last was counted.
	First, Last time.Time
	// Evidence and Answer are those of the newest record of Busiest.
	Evidence *event.Evidence
	Answer   enrich.Answer
	// OutInterface is the name of Evidence.OutIfindex, empty for unknown.
	OutInterface string
	// Seen is what the causes' rules need (NeedsOf) to know of Busiest.
	Seen Seen
	// Running says that the trace goes on.
	Running bool
	// Duration is how long was traced. Accepted is how many connections the
	// namespace of Busiest accepted meanwhile, nil for unknown.
	Duration time.Duration
	Accepted *uint64

	// refused is what the full accept queue of the same listener refused, nil for
	// nothing.
	refused *Tally
}

// Seen is what was read of a place when it was last looked at. What could not be read, or
// is not needed, is nil.
type Seen struct {
	// Table describes its connection tracking with who has the entries.
	Table *conntrack.NetnsTable
	// Waiting is its accept queue.
	Waiting *sockets.Waiting
	// Survey has the sysctls and counters of its namespace, the only one of the
	// snapshot, and the machine's sysctl files.
	Survey *survey.Snapshot
}

// Add takes what else was read.
func (s *Seen) Add(o Seen) {
	s.Table, s.Waiting, s.Survey = cmp.Or(s.Table, o.Table), cmp.Or(s.Waiting, o.Waiting), cmp.Or(s.Survey, o.Survey)
}

// Place is where packets went to.
type Place struct {
	Netns     uint32
	NetnsName string
	// Own says that it is the machine's own namespace.
	Own bool
	// Inner says that it is known not to be the machine's first.
	Inner bool
	// Direction is the packets' way there, In where it is empty, and Proto what they
	// were, TCP where it is 0.
	Direction event.Direction
	Proto     event.Proto
	// Dst is where they were going, the zero Addr for In.
	Dst  netip.Addr
	Port uint16
	// Target is the namespace of this machine that has Dst, nil if none has.
	Target *Target
}

// Target is another network namespace of the machine that packets were for.
type Target struct {
	Netns     uint32
	NetnsName string
	// Container is the ID of the container whose namespace it is, empty for none.
	Container string
}

// listenerHere is the listener of the namespace in which the packets died, nil for none.
func (t *Tally) listenerHere() *enrich.Listener {
	if t.Busiest.Target != nil {
		return nil // that is the target's
	}
	return t.Answer.Listener
}

// refusedAt is the tally of accept-queue-full if that is of this place.
func refusedAt(tallies []Tally, at Place) *Tally {
	for i := range tallies {
		if t := &tallies[i]; t.Cause.ID == "accept-queue-full" && t.Busiest.Netns == at.Netns && t.Busiest.Port == at.Port {
			return t
		}
	}
	return nil
}

// Traced finds what to do about what a trace counted on a machine with so many
// bytes of memory (0: unknown), the worst first and then those with
// the most. Each is about one cause. It sorts the tallies.
func Traced(tallies []Tally, memory uint64) []Finding {
	found := []Finding{}
	slices.SortFunc(tallies, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Cause.ID, b.Cause.ID))
	})
	for i := range tallies {
		t := &tallies[i]
		t.refused = refusedAt(tallies, t.Busiest)
		f := Facts{Tally: t, Window: t.Duration, System: survey.System{Memory: memory}}
		f.Space.Netns.Inode, f.Space.Name, f.Space.Own = t.Busiest.Netns, t.Busiest.NetnsName, t.Busiest.Own
		f.Space.Inner = t.Busiest.Inner
		if l := t.listenerHere(); !t.Busiest.Own && l != nil && l.PID != 0 {
			f.Space.Enter = netns.EnterProcess(l.PID)
		}
		one := f.find(Trace)
		for j := range one {
			one[j].Cause = t.Cause.ID
		}
		found = append(found, one...)
	}
	settle(found)
	forGood(found)
	return worstFirst(found)
}
