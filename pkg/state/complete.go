// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/synwatch/synwatch/pkg/stream"
)

// complete takes from the summary what it knows of more than the records do: the run
// ended after a number of records, wrote none, or some were lost with their lines.
func (s *Snapshot) complete() {
	if s.Summary == nil {
		return
	}
	for i := range s.Summary.Causes {
		total := &s.Summary.Causes[i]
		at := slices.IndexFunc(s.Causes, func(c Cause) bool { return c.Cause.ID == total.Cause.ID })
		switch {
		case at < 0:
			s.Causes = append(s.Causes, Cause{Cause: total.Cause, Recent: make([]uint64, seconds), ByStage: map[string]uint64{}})
			at = len(s.Causes) - 1
		case s.Causes[at].Count >= total.Count:
			continue
		}
		s.Causes[at].complete(total, s.Duration.Seconds())
	}
	sortCauses(s.Causes)
	s.Drops, s.Notices = max(s.Drops, s.Summary.Drops), max(s.Notices, s.Summary.Notices)
}

func (c *Cause) complete(total *stream.CauseTotal, ran float64) {
	c.ByStage[""] += total.Count - c.Count
	c.Count, c.NumSources, c.Others, c.Range = total.Count, total.NumSources, total.Others, total.Range
	c.Rate.Run = float64(total.Count) / max(ran, 1)
	c.ByDirection, c.ByProto = maps.Clone(total.ByDirection), maps.Clone(total.ByProto)
	last := map[netip.Addr]Source{}
	for _, src := range c.Sources {
		last[src.Src] = src
	}
	c.Sources = nil
	for _, src := range total.Sources {
		c.Sources = append(c.Sources, Source{Src: src.Src, Count: src.Count, Last: last[src.Src].Last})
	}
}

func sortCauses(causes []Cause) {
	slices.SortFunc(causes, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(a.Cause.Kind, b.Cause.Kind), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Cause.ID, b.Cause.ID))
	})
}
