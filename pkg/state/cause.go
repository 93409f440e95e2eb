// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
)

// maxStages bounds the stages of a cause. The catalogue has fewer; a capture may name any.
const maxStages = 32

// causeState is what was recorded of a cause.
type causeState struct {
	cause       *cause.Cause
	count       uint64
	first, last time.Time
	byStage     map[string]uint64
	byDirection map[event.Direction]uint64
	byProto     map[event.Proto]uint64
	recent      recent
	steps       []uint64 // of the timeline
	// sources are in the order in which they came, bySrc is where each is there, and
	// byAddr are the first of them in the order of the addresses: those that are not
	// among these yet came after a snapshot.
	sources []Source
	bySrc   map[netip.Addr]int32
	byAddr  []int32
	others  uint64 // of count that are not in sources
}

func newCauseState(c *cause.Cause) *causeState {
	return &causeState{
		cause: c, byStage: map[string]uint64{}, byDirection: map[event.Direction]uint64{}, byProto: map[event.Proto]uint64{},
		bySrc: map[netip.Addr]int32{},
	}
}

// add counts a record. A source that is new takes of the room that there is.
func (c *causeState) add(r *stream.Record, room *int) {
	n := r.Count
	c.count += n
	c.byDirection[r.Direction] += n
	c.byProto[r.Proto] += n
	stage := r.Stage
	if _, known := c.byStage[stage]; !known && len(c.byStage) >= maxStages {
		stage = ""
	}
	c.byStage[stage] += n
	if c.first.IsZero() || r.Time.Before(c.first) {
		c.first = r.Time
	}
	c.last = later(c.last, r.Time)
	c.recent.add(r.Time, n)
	c.addSource(r, room)
}

func (c *causeState) addSource(r *stream.Record, room *int) {
	src := r.Src.Addr()
	at, known := c.bySrc[src]
	switch {
	case !src.IsValid(), !known && *room == 0:
		c.others += r.Count
		return
	case !known:
		*room--
		at = int32(len(c.sources))
		c.bySrc[src] = at
		c.sources = append(c.sources, Source{Src: src})
	}
	s := &c.sources[at]
	s.Count += r.Count
	s.Last = later(s.Last, r.Time)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// snapshot is the cause at a time of a run that has taken so long.
func (c *causeState) snapshot(t time.Time, duration time.Duration) Cause {
	return Cause{
		Cause: c.cause, Count: c.count, Rate: c.recent.rate(t, c.count, duration), Recent: c.recent.bySecond(t),
		ByStage: maps.Clone(c.byStage), ByDirection: maps.Clone(c.byDirection), ByProto: maps.Clone(c.byProto),
		Sources: most(pointers(c.sources), MaxTop, compareSources), NumSources: len(c.sources), Others: c.others,
		Range: c.covering(), First: c.first, Last: c.last,
	}
}

// compareSources puts those with the most first.
func compareSources(a, b *Source) int {
	return cmp.Or(cmp.Compare(b.Count, a.Count), a.Src.Compare(b.Src))
}

// covering is the network that most came from, nil if there is none.
func (c *causeState) covering() *stream.RangeTotal {
	c.order()
	weighed := make([]diagnose.Weighed, len(c.byAddr))
	for i, at := range c.byAddr {
		weighed[i] = diagnose.Weighed{Src: c.sources[at].Src, Count: c.sources[at].Count}
	}
	r := diagnose.CoveringSorted(weighed, c.count)
	if r == nil {
		return nil
	}
	return &stream.RangeTotal{Prefix: r.Prefix, Count: r.Count, NumSources: r.Sources}
}

// order sorts the new sources among the others.
func (c *causeState) order() {
	known := len(c.byAddr)
	if known == len(c.sources) {
		return
	}
	compare := func(a, b int32) int { return c.sources[a].Src.Compare(c.sources[b].Src) }
	added := make([]int32, 0, len(c.sources)-known)
	for at := known; at < len(c.sources); at++ {
		added = append(added, int32(at))
	}
	slices.SortFunc(added, compare)
	old := c.byAddr
	c.byAddr = make([]int32, 0, len(c.sources))
	for len(old) > 0 && len(added) > 0 {
		if compare(old[0], added[0]) < 0 {
			c.byAddr, old = append(c.byAddr, old[0]), old[1:]
		} else {
			c.byAddr, added = append(c.byAddr, added[0]), added[1:]
		}
	}
	c.byAddr = append(append(c.byAddr, old...), added...)
}
