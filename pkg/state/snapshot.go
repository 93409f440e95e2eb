// SPDX-License-Identifier: Apache-2.0

package state

import (
	"net/netip"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/stream"
)

// Snapshot is a run so far. It shares nothing with the state that changes.
type Snapshot struct {
	Start stream.Start
	// Time is until when the run is known, Duration since its start.
	Time     time.Time
	Duration time.Duration
	// Summary is what the run ended with, nil before.
	Summary *stream.Summary

	Drops, Notices uint64
	Merged         uint64
	Losses         event.Losses
	// Rate is of all drops.
	Rate Rate
	// Recent are the drops of each of the last 60 seconds of the clock, the newest last: that
	// of Time, which is not over.
	Recent []uint64
	// Causes are those with the most first, drops before notices.
	Causes []Cause
	// Places are where packets were going, those with the most first.
	Places []Place
	Queues []stream.Queue
	Tables []stream.Table

	Reconcile []stream.Row
	Unseen    []stream.UnseenTotal
	Findings  []diagnose.Finding
	// Timeline is the drops of the whole run by cause, of each Timeline.Step.
	Timeline Timeline
}

// Rate is drops a second: over the last second, the last minute and the run. One that has
// not taken so long yet is over what it took, and no less than a second.
type Rate struct{ Second, Minute, Run float64 }

// Cause is what was recorded of one cause.
type Cause struct {
	Cause *cause.Cause
	Count uint64
	Rate  Rate
	// Recent is like Snapshot.Recent.
	Recent []uint64
	// ByStage, ByDirection and ByProto split Count; what is not known is empty, and 0.
	ByStage     map[string]uint64
	ByDirection map[event.Direction]uint64
	ByProto     map[event.Proto]uint64
	// Sources are those with the most, at most MaxTop, of NumSources that are counted
	// apart; Others is what is from none of these.
	Sources    []Source
	NumSources int
	Others     uint64
	// Range is the network that most came from, nil if there is none.
	Range *stream.RangeTotal
	// First and Last are the times of the first and of the newest record.
	First, Last time.Time
}

// Source is what a cause met of one source.
type Source struct {
	Src   netip.Addr
	Count uint64
	Last  time.Time
}

// Key is where packets of one cause were going.
type Key struct {
	Cause     *cause.Cause
	Netns     netns.ID
	Direction event.Direction
	Proto     event.Proto
	// Dst is the zero Addr for a listener of Netns, which is one place whatever the
	// address.
	Dst  netip.Addr
	Port uint16
}

// Place is a listener, or another destination, and what was dropped on the way there.
type Place struct {
	Key
	NetnsName string
	Count     uint64
	// Stage, Reason and Location are those of the newest record.
	Stage, Reason, Location string
	// Answer and Evidence are those of the newest record that had them.
	enrich.Answer
	Evidence *event.Evidence
	Last     time.Time
}

// Timeline is drops over time. Its steps grow with the run so that their number is
// bounded.
type Timeline struct {
	Begin time.Time
	Step  time.Duration
	// ByCause has a count of each step for each cause with drops.
	ByCause map[*cause.Cause][]uint64
}

// Snapshot is the run until now. A time before the newest of the run stands for that, and
// so does any time once the run has ended.
func (s *State) Snapshot(now time.Time) *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.summary != nil {
		now = time.Time{}
	}
	now = later(s.newest, now)
	snap := &Snapshot{
		Start: s.start, Time: now, Summary: s.summary, Losses: s.sampled.losses, Merged: max(s.merged, s.sampled.merged),
		Recent: s.recent.bySecond(now), Places: s.places.top(), Queues: s.sampled.allQueues(), Tables: s.sampled.allTables(),
		Reconcile: s.sampled.allRows(), Unseen: s.sampled.unseen, Findings: s.sampled.findings,
	}
	if !s.begin.IsZero() {
		snap.Duration = now.Sub(s.begin)
		snap.Timeline = s.timeline.until(now, s.causes)
	}
	snap.addCauses(s.causes)
	snap.complete()
	snap.Rate = s.recent.rate(now, snap.Drops, snap.Duration)
	return snap
}

func (s *Snapshot) addCauses(causes map[string]*causeState) {
	s.Causes = make([]Cause, 0, len(causes))
	for _, c := range causes {
		s.Causes = append(s.Causes, c.snapshot(s.Time, s.Duration))
		s.count(c.cause, c.count)
	}
	sortCauses(s.Causes)
}

func (s *Snapshot) count(c *cause.Cause, n uint64) {
	switch c.Kind {
	case cause.Drop:
		s.Drops += n
	case cause.Notice:
		s.Notices += n
	}
}
