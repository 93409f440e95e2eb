// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
)

// maxTop is how many sources of a cause a summary holds.
const maxTop = 100

// tally keeps the totals, exact by cause, and by source as far as there is room.
type tally struct {
	room   int // for sources
	causes map[*cause.Cause]*sources
}

type sources struct {
	count  uint64
	bySrc  map[netip.Addr]uint64
	others uint64 // those of count that are not in bySrc
	// byDirection and byProto have all of count; what is not known is empty, and 0.
	byDirection map[event.Direction]uint64
	byProto     map[event.Proto]uint64
}

func newSources() *sources {
	return &sources{
		bySrc: map[netip.Addr]uint64{}, byDirection: map[event.Direction]uint64{}, byProto: map[event.Proto]uint64{},
	}
}

func newTally(room int) *tally {
	return &tally{room: room, causes: map[*cause.Cause]*sources{}}
}

func (t *tally) add(c *cause.Cause, e *event.Event) {
	s := t.causes[c]
	if s == nil {
		s = newSources()
		t.causes[c] = s
	}
	src, n := e.Src.Addr(), e.Count
	s.count += n
	s.byDirection[e.Direction] += n
	s.byProto[e.Proto] += n
	_, known := s.bySrc[src]
	switch {
	case !src.IsValid():
		s.others += n
	case known:
		s.bySrc[src] += n
	case t.room > 0:
		t.room--
		s.bySrc[src] = n
	default:
		s.others += n
	}
}

// total sums up what is of a kind.
func (t *tally) total(kind cause.Kind) uint64 {
	var n uint64
	for c, s := range t.causes {
		if c.Kind == kind {
			n += s.count
		}
	}
	return n
}

// summary lists the causes with the most first, drops before notices.
func (t *tally) summary() []stream.CauseTotal {
	totals := []stream.CauseTotal{}
	for c, s := range t.causes {
		totals = append(totals, s.summary(c))
	}
	slices.SortFunc(totals, func(a, b stream.CauseTotal) int {
		return cmp.Or(cmp.Compare(a.Cause.Kind, b.Cause.Kind), cmp.Compare(b.Count, a.Count),
			cmp.Compare(a.Cause.ID, b.Cause.ID))
	})
	return totals
}

func (s *sources) summary(c *cause.Cause) stream.CauseTotal {
	top := make([]stream.SourceTotal, 0, len(s.bySrc))
	for src, n := range s.bySrc {
		top = append(top, stream.SourceTotal{Src: src, Count: n})
	}
	slices.SortFunc(top, func(a, b stream.SourceTotal) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), a.Src.Compare(b.Src))
	})
	return stream.CauseTotal{
		Cause: c, Count: s.count, NumSources: len(top), Others: s.others,
		Sources: slices.Clone(top[:min(len(top), maxTop)]), Range: rangeOf(s.bySrc, s.count),
		ByDirection: s.byDirection, ByProto: s.byProto,
	}
}
