// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"maps"
	"slices"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
)

// maxPlaces bounds the places that are counted apart, of all causes together.
const maxPlaces = 4096

// places are where packets were going.
type places map[Key]*Place

// KeyOf is the place that a record is counted in.
func KeyOf(r *stream.Record) Key {
	k := Key{Cause: r.Cause, Netns: r.Netns, Direction: r.Direction, Proto: r.Proto}
	if r.Proto == 0 || r.Proto.HasPorts() {
		k.Port = r.Dst.Port()
	}
	if r.Direction == event.Forward || r.Direction == event.Out {
		k.Dst = r.Dst.Addr()
	}
	return k
}

func (p places) add(r *stream.Record) {
	key := KeyOf(r)
	at := p[key]
	if at == nil {
		if len(p) >= maxPlaces {
			p.forget()
		}
		at = &Place{Key: key}
		p[key] = at
	}
	at.Count += r.Count
	at.Last = later(at.Last, r.Time)
	at.NetnsName = cmp.Or(r.NetnsName, at.NetnsName)
	at.Stage, at.Reason, at.Location = r.Stage, r.Reason, r.Location
	if r.Evidence != nil {
		at.Evidence = r.Evidence
	}
	at.Answer.Add(&r.Answer)
}

// forget removes the half of the places with the fewest. If one of them becomes the
// busiest later, its count is too low.
func (p places) forget() {
	least := slices.SortedFunc(maps.Values(p), func(a, b *Place) int { return comparePlaces(b, a) })
	for _, at := range least[:len(least)/2] {
		delete(p, at.Key)
	}
}

// top are the places with the most.
func (p places) top() []Place { return most(maps.Values(p), MaxTop, comparePlaces) }

// comparePlaces puts those with the most first, and has an order for all others so that
// the same run gives the same.
func comparePlaces(a, b *Place) int {
	return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Cause.ID, b.Cause.ID), cmp.Compare(a.Port, b.Port),
		a.Netns.Compare(b.Netns), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Proto, b.Proto), a.Dst.Compare(b.Dst))
}
