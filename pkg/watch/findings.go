// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"maps"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/synwatch/synwatch/pkg/survey"
)

// findings are what to do about what was counted.
func (w *watcher) findings() []diagnose.Finding {
	var tallies []diagnose.Tally
	for c, sources := range w.tally.causes {
		if at, here := w.places.busiest(c); here != nil {
			tallies = append(tallies, w.tallyOf(c, sources, at, here))
		}
	}
	return diagnose.Traced(tallies, w.Machine.Memory)
}

// tallyOf is what was counted of a cause, with its busiest place.
func (w *watcher) tallyOf(c *cause.Cause, sources *sources, at place, here *placeState) diagnose.Tally {
	t := diagnose.Tally{
		Cause: c, Count: sources.count, BySource: sources.bySrc, BusiestCount: here.count,
		ByDirection: known(sources.byDirection), ByProto: known(sources.byProto), ByStage: here.byStage,
		Resets: here.resets, Others: here.others, Translated: here.translated,
		Busiest: w.diagnosed(at, here), First: here.first, Last: here.last,
		Evidence: here.evidence, Answer: here.answer, OutInterface: here.answer.OutInterface,
		Duration: w.ended.Sub(w.began),
	}
	if at.netns.last != nil && w.namespaces.counters[Accepted] {
		n := at.netns.moved[Accepted]
		t.Accepted = &n
	}
	if w.Table != nil {
		t.Table = func() *conntrack.NetnsTable { return w.table(at.netns.id) }
	}
	if w.Waiting != nil {
		t.Waiting = func() sockets.Waiting { return w.acceptQueue(at) }
	}
	if w.Survey != nil {
		t.Survey = func() *survey.Snapshot { return w.survey(at.netns.id) }
	}
	return t
}

// known leaves out what is not known: the zero key.
func known[K comparable](counts map[K]uint64) map[K]uint64 {
	var unknown K
	counts = maps.Clone(counts)
	delete(counts, unknown)
	return counts
}

// diagnosed is a place as findings name it.
func (w *watcher) diagnosed(at place, here *placeState) diagnose.Place {
	own := at.netns.id.Inode == w.Machine.Netns
	p := diagnose.Place{
		Netns: at.netns.id.Inode, NetnsName: w.name(at.netns), Own: own, Inner: w.Machine.Inner || !own,
		Direction: at.direction, Proto: at.proto, Dst: at.dst, Port: at.port,
	}
	if t := here.answer.Target; t != nil {
		p.Target = &diagnose.Target{Netns: t.Netns.Inode, NetnsName: t.Name, Container: t.Container}
	}
	return p
}

// table looks who has the entries of a connection tracking table, nil if that
// cannot be known.
func (w *watcher) table(id netns.ID) *conntrack.NetnsTable {
	t, err := w.Table(id)
	if err != nil {
		w.Warn("look who has the entries of the conntrack table: " + err.Error())
		return nil
	}
	return t
}

// acceptQueue looks at the accept queue of a place; it is nothing if that is gone, or
// cannot be known.
func (w *watcher) acceptQueue(at place) sockets.Waiting {
	found, err := w.Waiting(at.netns.id, at.port)
	if err != nil {
		return sockets.Waiting{}
	}
	return found
}

// survey reads a network namespace's sysctls and counters, nil if it cannot.
func (w *watcher) survey(id netns.ID) *survey.Snapshot {
	s, err := w.Survey(id)
	if err != nil {
		return nil
	}
	return s
}
