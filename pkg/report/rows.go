// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/event"
)

// Cause is what was recorded of one cause on all hosts.
type Cause struct {
	*cause.Cause
	Count       uint64
	ByDirection map[event.Direction]uint64
	ByProto     map[event.Proto]uint64
	// NumSources is the sum over the hosts; a source that met several counts for each.
	NumSources int
	Others     uint64
	Sources    []CauseSource
	// Range is the network that most came from, of the host with most of them.
	Range       *Range
	First, Last time.Time

	bySource map[sourceKey]int // where it is in Sources
}

// CauseSource is what a cause met of a source.
type CauseSource struct {
	Host  string
	Src   netip.Addr
	Count uint64
}

// Source is an address that drops came from, of those that a cause met most.
type Source struct {
	Host  string
	Src   netip.Addr
	Count uint64
	// ByCause splits Count; it has drops only.
	ByCause map[*cause.Cause]uint64
	Last    time.Time
}

// Range is a network that covers most sources of a cause on a host.
type Range struct {
	Host       string
	Cause      *cause.Cause
	Prefix     netip.Prefix
	Count, Of  uint64
	NumSources int
}

// Place is a listener or another destination, and what was dropped on the way there.
type Place struct {
	Host, Where, Who, Netns string
	Cause                   *cause.Cause
	Direction               event.Direction
	Count                   uint64
	// Why is the evidence of the newest record.
	Why  string
	Last time.Time
}

// Queue is one of a listener's queues and the limit that binds it.
type Queue struct {
	Host, Where, Who, Netns string
	// What waits in it: "accept queue" or "request queue".
	What      string
	Used, Max uint32
	Limit     string
}

// Full says whether the queue takes no more: the kernel compares with Max exceeded.
func (q *Queue) Full() bool { return q.Used >= q.Max }

// Table is how full a connection tracking table is.
type Table struct {
	Host, Netns string
	Used, Max   uint32
}

// Full says whether there is no room.
func (t *Table) Full() bool { return t.Max > 0 && t.Used >= t.Max }

// Row sets a counter of the kernel's against what was attributed.
type Row struct {
	Host, Netns, Counter string
	Kernel, Attributed   uint64
	Why                  string
}

// Equal says whether nothing was left out.
func (r *Row) Equal() bool { return r.Kernel == r.Attributed }

// Unseen is what only a counter shows.
type Unseen struct {
	Host, Counter, Causes string
	Count                 uint64
}

// Finding is a finding and the hosts that it was found on.
type Finding struct {
	diagnose.Finding
	Hosts []string
}

// Blind is a cause that hosts could not see.
type Blind struct {
	Cause string
	Hosts []string
}

// causes are those that a source met, those with the most first.
func (s *Source) causes() []*cause.Cause {
	return slices.SortedFunc(maps.Keys(s.ByCause), func(a, b *cause.Cause) int {
		return cmp.Or(cmp.Compare(s.ByCause[b], s.ByCause[a]), cmp.Compare(a.ID, b.ID))
	})
}
