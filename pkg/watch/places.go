// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/sockets"
)

// Accepted is the counter of connections that were accepted, to be sampled for
// the findings beside those of the causes.
const Accepted = "TcpPassiveOpens"

// maxPlaces bounds the places that are counted apart, of all causes together.
const maxPlaces = 4096

// places are where packets were dropped, by cause, for the findings.
type places map[place]*placeState

type place struct {
	cause     *cause.Cause
	netns     *namespace
	direction event.Direction
	proto     event.Proto
	port      uint16
	// dst is where the packets were going, the zero Addr if that is the namespace: a
	// listener is one place whatever the address.
	dst netip.Addr
}

func placeOf(c *cause.Cause, n *namespace, e *event.Event) place {
	p := place{cause: c, netns: n, direction: e.Direction, proto: e.Proto, port: e.Dst.Port()}
	if e.Direction == event.Forward || e.Direction == event.Out {
		p.dst = e.Dst.Addr()
	}
	return p
}

// compare orders places of one cause.
func (p *place) compare(o *place) int {
	return cmp.Or(cmp.Compare(p.port, o.port), p.netns.id.Compare(o.netns.id), cmp.Compare(p.direction, o.direction),
		cmp.Compare(p.proto, o.proto), p.dst.Compare(o.dst))
}

// placeState is what is known of one place: the count, and the state at the newest
// record.
type placeState struct {
	count       uint64
	resets      uint64 // of these were answered with a RST
	others      uint64 // of these were no SYNs
	translated  uint64 // of these source NAT had chosen the source
	byStage     map[string]uint64
	first, last time.Time
	evidence    *event.Evidence
	answer      enrich.Answer
}

// at finds a place or adds it. If there is no room, it removes the places with the
// fewest drops.
func (p places) at(where place, e *event.Event) *placeState {
	if p[where] == nil {
		if len(p) >= maxPlaces {
			p.forget()
		}
		p[where] = &placeState{first: e.Time, byStage: map[string]uint64{}}
	}
	return p[where]
}

// forget removes the half of the places with the fewest drops. If one of them becomes
// the busiest later, its count is too low.
func (p places) forget() {
	least := slices.SortedFunc(maps.Keys(p), func(a, b place) int { return cmp.Compare(p[a].count, p[b].count) })
	for _, where := range least[:len(least)/2] {
		delete(p, where)
	}
}

// count counts an event of a stage of the place's cause.
func (p places) count(where place, e *event.Event, stage string) {
	here := p.at(where, e)
	here.count += e.Count
	here.byStage[stage] += e.Count
	if e.Facts.Has(event.SourceTranslated) {
		here.translated += e.Count
	}
	if e.Facts.Has(event.ResetSent) {
		here.resets += e.Count
	}
	if !e.Facts.Has(event.PacketSYN) {
		here.others += e.Count
	}
	here.last = e.Time
}

// remember keeps the state that a record shows.
func (p places) remember(where place, r *Record) {
	here := p.at(where, &r.Event)
	if r.Evidence != nil {
		here.evidence = r.Evidence
	}
	here.answer.Add(&r.Answer)
}

// busiest is the place with most drops of a cause. Ties go to the first in the order of
// places, so that the same run reports the same.
func (p places) busiest(c *cause.Cause) (at place, most *placeState) {
	for where, here := range p {
		if where.cause != c {
			continue
		}
		if most == nil || cmp.Or(cmp.Compare(here.count, most.count), at.compare(&where)) > 0 {
			at, most = where, here
		}
	}
	return at, most
}

// findings are what to do about what was counted.
func (w *watcher) findings() []diagnose.Finding {
	var tallies []diagnose.Tally
	for c, sources := range w.tally.causes {
		at, here := w.places.busiest(c)
		if here == nil {
			continue
		}
		own := at.netns.id.Inode == w.Machine.Netns
		t := diagnose.Tally{
			Cause: c, Count: sources.count, BySource: sources.bySrc, BusiestCount: here.count, Resets: here.resets, Others: here.others,
			Busiest: diagnose.Place{Netns: at.netns.id.Inode, NetnsName: w.name(at.netns), Own: own, Inner: w.Machine.Inner || !own, Port: at.port},
			First:   here.first, Last: here.last, Evidence: here.evidence, Answer: here.answer,
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
		tallies = append(tallies, t)
	}
	return diagnose.Traced(tallies, w.Machine.Memory)
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
