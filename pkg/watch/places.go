// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
)

// Accepted is the counter of connections that were accepted, to be sampled for
// the findings beside those of the causes.
const Accepted = "TcpPassiveOpens"

// maxPlaces bounds the places that are counted apart, of all causes together.
const maxPlaces = 4096

// places are where packets were dropped, by cause, for the findings. The loop counts
// there, and the recorder remembers what its records show.
type places struct {
	mu sync.Mutex
	of map[place]*placeState
	// news counts what was counted and remembered.
	news uint64
}

func newPlaces() *places { return &places{of: map[place]*placeState{}} }

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
	// dst is where the newest record with a listener was going.
	dst netip.AddrPort
}

// at finds a place or adds it. If there is no room, it removes the places with the
// fewest drops.
func (p *places) at(where place, e *event.Event) *placeState {
	here := p.of[where]
	if here == nil {
		if len(p.of) >= maxPlaces {
			p.forget()
		}
		here = &placeState{first: e.Time, byStage: map[string]uint64{}}
		p.of[where] = here
	}
	return here
}

// forget removes the half of the places with the fewest drops. If one of them becomes
// the busiest later, its count is too low.
func (p *places) forget() {
	least := slices.SortedFunc(maps.Keys(p.of), func(a, b place) int { return cmp.Compare(p.of[a].count, p.of[b].count) })
	for _, where := range least[:len(least)/2] {
		delete(p.of, where)
	}
}

// count counts an event of a stage of the place's cause.
func (p *places) count(where place, e *event.Event, stage string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.news++
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
func (p *places) remember(where place, r *stream.Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.news++
	here := p.at(where, &r.Event)
	if r.Listener != nil {
		here.dst = r.Dst
	}
	if r.Evidence != nil {
		here.evidence = r.Evidence
	}
	here.answer.Add(&r.Answer)
}

// busiest is the place with most drops of a cause, nil for none. Ties go to the first in
// the order of places, so that the same run reports the same.
func (p *places) busiest(c *cause.Cause) (at place, most *placeState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for where, here := range p.of {
		if where.cause != c {
			continue
		}
		if most == nil || cmp.Or(cmp.Compare(here.count, most.count), at.compare(&where)) > 0 {
			at, most = where, here
		}
	}
	if most == nil {
		return at, nil
	}
	found := *most
	found.byStage = maps.Clone(most.byStage)
	return at, &found
}
