// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"slices"

	"github.com/synwatch/synwatch/pkg/state"
)

// MatchCause says whether records of the cause may be among those asked for, by all that
// a snapshot tells of it: its stages, its sources, and its places among those of all causes.
func (f Filter) MatchCause(c *state.Cause, places []state.Place) bool {
	if f.Empty() {
		return true
	}
	sides := [][]*subject{bySource(c), byPlace(c, places), byStage(c)}
	return !slices.ContainsFunc(f.groups, func(g group) bool { return !g.matchSides(sides) })
}

// matchSides is for what is told from several sides: each of them has to let the words
// of a key through, while a word without a key may be found on any.
func (g *group) matchSides(sides [][]*subject) bool {
	found := func(side []*subject) bool { return slices.ContainsFunc(side, g.match) }
	if g.key == "" {
		return slices.ContainsFunc(sides, found)
	}
	return !slices.ContainsFunc(sides, func(side []*subject) bool { return !found(side) })
}

func bySource(c *state.Cause) []*subject {
	var all []*subject
	for _, s := range c.Sources {
		all = append(all, ofSource(c.Cause, s.Src))
	}
	if len(all) == 0 || c.Others > 0 {
		all = append(all, ofCause(c.Cause))
	}
	return all
}

func byPlace(c *state.Cause, places []state.Place) []*subject {
	var all []*subject
	for i := range places {
		if places[i].Cause == c.Cause {
			all = append(all, ofPlace(&places[i]))
		}
	}
	if len(all) == 0 || len(places) >= state.MaxTop {
		all = append(all, ofCause(c.Cause))
	}
	return all
}

func byStage(c *state.Cause) []*subject {
	var all []*subject
	for stage := range c.ByStage {
		all = append(all, ofStage(c.Cause, stage))
	}
	if len(all) == 0 {
		all = append(all, ofCause(c.Cause))
	}
	return all
}
