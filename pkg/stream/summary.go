// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"net/netip"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/event"
)

// Summary is what a run ends with.
type Summary struct {
	Time     time.Time
	Duration time.Duration
	// Drops and Notices are what was counted of the causes asked for.
	Drops, Notices uint64
	// Lost is drops that a hook saw and could not count at all; Unattributed is
	// drops that were counted, but whose source found no room.
	Lost, Unattributed uint64
	// Missed is calls of hooked functions that the kernel did not show.
	Missed uint64
	// Merged is how many drops have no record of their own although the run was to
	// record every drop.
	Merged uint64
	// Unshown is how many of Drops have no record, as the run ended after a number of
	// records.
	Unshown uint64
	// Causes are those with drops, and with notices if these were asked for, the
	// most first.
	Causes []CauseTotal
	// Unseen is what only the kernel's counters show.
	Unseen []UnseenTotal
	// Reconcile sets the kernel's counters against what was attributed.
	Reconcile []Row
	// Filtered says that the run traced only part of what the kernel's counters count.
	Filtered bool
	// Findings are what to do about it, the worst first.
	Findings []diagnose.Finding
}

// CauseTotal is one cause's part of a summary.
type CauseTotal struct {
	Cause *cause.Cause
	Count uint64
	// Sources are those with the most, at most 100; NumSources is how many
	// were counted apart.
	Sources    []SourceTotal
	NumSources int
	// Others is what is not from one of these: it came without a source, or there
	// was no room for more.
	Others uint64
	// Range is the network that most came from, nil if there is none.
	Range *RangeTotal
	// ByDirection and ByProto split Count; what is not known is empty, and 0.
	ByDirection map[event.Direction]uint64
	ByProto     map[event.Proto]uint64
}

// SourceTotal is how often a cause met a source.
type SourceTotal struct {
	Src   netip.Addr
	Count uint64
}

// RangeTotal is how often a cause met the sources of a range.
type RangeTotal struct {
	Prefix     netip.Prefix
	Count      uint64
	NumSources int
}

// UnseenTotal is how far a counter moved that the run's hooks do not explain
// and that is of one of the stages.
type UnseenTotal struct {
	cause.Unseen
	Count uint64
}

// Row sets one counter of a network namespace against what was attributed to
// causes that move it.
type Row struct {
	Netns uint32 // its inode number, 0 for the sum of many
	// Cookie distinguishes namespaces that had the number one after the other; 0 for
	// unknown.
	Cookie    uint64
	NetnsName string
	// Namespaces is of how many namespaces the row is the sum.
	Namespaces int
	Counter    string
	Kernel     uint64
	Attributed uint64
	// Why says, as far as it is known, why the two differ.
	Why string
}

// RowKey tells a row from others.
type RowKey struct {
	Netns   uint32
	Cookie  uint64
	Counter string
}

// Key is what a row of a later sample takes the place of this one by.
func (r *Row) Key() RowKey { return RowKey{r.Netns, r.Cookie, r.Counter} }

// Gone says, in a sample, that there is no such row any more: its namespace was summed up
// with others that are gone.
func (r *Row) Gone() bool { return r.Kernel == 0 && r.Attributed == 0 }
