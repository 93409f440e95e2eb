// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"cmp"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/host"
)

// Accepted is the counter of connections that were accepted, to be sampled for
// the findings beside those of the causes.
const Accepted = "TcpPassiveOpens"

// maxScenes bounds the places that are told apart, of all causes together.
const maxScenes = 4096

// scenes are where causes were met, for the findings.
type scenes map[scenePlace]*scene

type scenePlace struct {
	cause *cause.Cause
	netns uint32
	port  uint16
}

// scene is what is known of one place: the count, and the state at the newest
// record.
type scene struct {
	count       uint64
	first, last time.Time
	evidence    *event.Evidence
	answer      host.Answer
}

func (s scenes) of(c *cause.Cause, e *event.Event) *scene {
	at := scenePlace{c, e.Netns.Inode, e.Dst.Port()}
	if s[at] == nil && len(s) < maxScenes {
		s[at] = &scene{first: e.Time}
	}
	return s[at]
}

// count counts an event.
func (s scenes) count(c *cause.Cause, e *event.Event) {
	if here := s.of(c, e); here != nil {
		here.count += e.Count
		here.last = e.Time
	}
}

// remember keeps the state that a record tells of.
func (s scenes) remember(r *Record) {
	here := s.of(r.Cause, &r.Event)
	if here == nil {
		return
	}
	if r.Evidence != nil {
		here.evidence = r.Evidence
	}
	if r.Listener != nil || r.Conntrack != nil {
		here.answer = r.Answer
	}
}

// busiest is where a cause was met the most. Ties go to the lower port, so that
// the same run tells the same.
func (s scenes) busiest(c *cause.Cause) (at scenePlace, most *scene) {
	for place, here := range s {
		if place.cause != c {
			continue
		}
		if most == nil || cmp.Or(cmp.Compare(here.count, most.count), cmp.Compare(at.port, place.port), cmp.Compare(at.netns, place.netns)) > 0 {
			at, most = place, here
		}
	}
	return at, most
}

// findings are what to do about what was counted.
func (w *watcher) findings() []diagnose.Finding {
	var tallies []diagnose.Tally
	for c, sources := range w.tally.causes {
		at, here := w.scenes.busiest(c)
		if here == nil {
			continue
		}
		t := diagnose.Tally{
			Cause: c, Count: sources.count, BySource: sources.bySrc, BusiestCount: here.count,
			Busiest: diagnose.Place{Netns: at.netns, NetnsName: w.name(at.netns), Own: at.netns == w.Machine.Netns, Port: at.port},
			First:   here.first, Last: here.last, Evidence: here.evidence, Answer: here.answer,
			Duration: w.ended.Sub(w.began),
		}
		if w.ledger.knows(at.netns) && w.ledger.has(Accepted) {
			n := w.ledger.moved[at.netns][Accepted]
			t.Accepted = &n
		}
		if w.Table != nil {
			t.Table = func() *host.ConntrackTable { return w.table(at.netns) }
		}
		if w.Waiting != nil {
			t.Waiting = func() host.Waiting { return w.waiting(at) }
		}
		tallies = append(tallies, t)
	}
	return diagnose.Traced(tallies, w.Machine.Memory)
}

// table looks who has the entries of a connection tracking table, nil if that
// cannot be known.
func (w *watcher) table(netns uint32) *host.ConntrackTable {
	t, err := w.Table(netns)
	if err != nil {
		w.Warn("look who has the entries of the conntrack table: " + err.Error())
		return nil
	}
	return t
}

// waiting looks at the accept queue of a place; it is nothing if that is gone, or
// cannot be known.
func (w *watcher) waiting(at scenePlace) host.Waiting {
	found, err := w.Waiting(at.netns, at.port)
	if err != nil {
		return host.Waiting{}
	}
	return found
}
