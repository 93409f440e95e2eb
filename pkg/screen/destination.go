// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
)

// destinationKey is where packets were going, whatever their cause.
type destinationKey struct {
	netns     netns.ID
	direction event.Direction
	proto     event.Proto
	addr      netip.Addr // zero for a listener of the namespace
	port      uint16
}

// destination is a listener, or a target elsewhere, and what was dropped on the way there.
type destination struct {
	destinationKey
	netnsName string
	count     uint64
	answer    enrich.Answer
	evidence  *event.Evidence
}

func keyOfPlace(k *state.Key) destinationKey {
	return destinationKey{k.Netns, k.Direction, k.Proto, k.Dst, k.Port}
}

// keyOfRecord is the key of the place that a record belongs to: what has a listener is one
// place whatever the address.
func keyOfRecord(r *stream.Record) destinationKey {
	k := destinationKey{r.Netns, r.Direction, r.Proto, r.Dst.Addr(), r.Dst.Port()}
	if r.Listener != nil && r.Target == nil && r.Direction == event.In {
		k.addr = netip.Addr{}
	}
	return k
}

// destinationsOf adds up the places of a cause, or of all drops.
func destinationsOf(s *state.Snapshot, only *cause.Cause, notices bool) []destination {
	sums := map[destinationKey]*destination{}
	for i := range s.Places {
		p := &s.Places[i]
		if only != nil && p.Cause != only || !notices && p.Cause.Kind != cause.Drop {
			continue
		}
		add(sums, keyOfPlace(&p.Key), p.Count, p.NetnsName, &p.Answer, p.Evidence)
	}
	return byDrops(sums)
}

// destinationsIn adds up records, of which the newest comes first.
func destinationsIn(records []stream.Record) []destination {
	sums := map[destinationKey]*destination{}
	for i := range records {
		r := &records[i]
		add(sums, keyOfRecord(r), r.Count, r.NetnsName, &r.Answer, r.Evidence)
	}
	return byDrops(sums)
}

func add(sums map[destinationKey]*destination, k destinationKey, n uint64, netnsName string, a *enrich.Answer, e *event.Evidence) {
	d := sums[k]
	if d == nil {
		d = &destination{destinationKey: k, netnsName: netnsName, answer: *a, evidence: e}
		sums[k] = d
	}
	d.count += n
	if d.answer.Listener == nil {
		d.answer.Listener = a.Listener
	}
	if d.evidence == nil || d.evidence.Listener == nil {
		d.evidence = e
	}
}

func byDrops(sums map[destinationKey]*destination) []destination {
	all := make([]destination, 0, len(sums))
	for _, d := range sums {
		all = append(all, *d)
	}
	slices.SortFunc(all, func(a, b destination) int {
		return cmp.Or(cmp.Compare(b.count, a.count), a.compare(b.destinationKey))
	})
	return all
}

func (k destinationKey) compare(o destinationKey) int {
	return cmp.Or(cmp.Compare(k.port, o.port), k.addr.Compare(o.addr), k.netns.Compare(o.netns),
		cmp.Compare(k.direction, o.direction), cmp.Compare(k.proto, o.proto))
}
