// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"maps"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/netns"
)

// counted is what was counted of a cause, and where it is to be looked at for its
// findings.
type counted struct {
	diagnose.Tally
	netns netns.ID
}

// findings are what to do about what was counted, at the end.
func (w *watcher) findings() []diagnose.Finding {
	l := newLooker(&w.Config)
	return findings(w.counted(w.ended), w.Machine.Memory, func(at spot) diagnose.Seen {
		seen, err := l.look(at)
		if err != nil {
			w.Warn("look who has the entries of the conntrack table: " + err.Error())
		}
		return seen
	})
}

// findings looks at the places of what was counted, each once.
func findings(of []counted, memory uint64, look func(spot) diagnose.Seen) []diagnose.Finding {
	tallies := make([]diagnose.Tally, 0, len(of))
	known := map[spot]diagnose.Seen{}
	for i := range of {
		t := of[i].Tally
		for _, at := range spots(t.Cause.ID, of[i].netns, t.Busiest.Port) {
			if _, looked := known[at]; !looked {
				known[at] = look(at)
			}
			t.Seen.Add(known[at])
		}
		tallies = append(tallies, t)
	}
	return diagnose.Traced(tallies, memory)
}

// counted is what was counted of each cause until a time.
func (w *watcher) counted(until time.Time) []counted {
	all := []counted{}
	for c, sources := range w.tally.causes {
		if at, here := w.places.busiest(c); here != nil {
			t := w.tallyOf(c, sources, at, here)
			t.Duration = until.Sub(w.began)
			all = append(all, counted{t, at.netns.id})
		}
	}
	return all
}

// tallyOf is what was counted of a cause, with its busiest place.
func (w *watcher) tallyOf(c *cause.Cause, sources *sources, at place, here *placeState) diagnose.Tally {
	t := diagnose.Tally{
		Cause: c, Count: sources.count, BySource: sources.bySrc, BusiestCount: here.count,
		ByDirection: known(sources.byDirection), ByProto: known(sources.byProto), ByStage: here.byStage,
		Resets: here.resets, Others: here.others, Translated: here.translated,
		Busiest: w.diagnosed(at, here), First: here.first, Last: here.last,
		Evidence: here.evidence, Answer: here.answer, OutInterface: here.answer.OutInterface,
	}
	if at.netns.last != nil && w.namespaces.counters[Accepted] {
		n := at.netns.moved[Accepted]
		t.Accepted = &n
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
