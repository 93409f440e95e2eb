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
	// Recent are the drops of each of the last seconds, the newest last.
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

// Rate is drops a second: over the last second, the last minute and the run.
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
