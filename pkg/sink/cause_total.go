// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"net/netip"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
)

// tally is how many drops or notices there were, of which there are never both.
type tally struct {
	Drops   uint64 `json:"drops"`
	Notices uint64 `json:"notices,omitempty"`
}

func (t tally) count() uint64 { return t.Drops + t.Notices }

type causeTotal struct {
	Cause string `json:"cause"`
	tally
	Sources    []sourceTotal `json:"sources"`
	Fix        string        `json:"fix"`
	NumSources int           `json:"num_sources"`
	Others     uint64        `json:"others"`
	Range      *rangeTotal   `json:"range,omitempty"`
	// Directions and Protos split the count, as far as they are known.
	Directions map[string]uint64 `json:"directions,omitempty"`
	Protos     map[string]uint64 `json:"protos,omitempty"`
}

type sourceTotal struct {
	Src netip.Addr `json:"src"`
	tally
}

type rangeTotal struct {
	Prefix netip.Prefix `json:"prefix"`
	tally
	NumSources int `json:"num_sources"`
}

func newCauseTotal(c stream.CauseTotal) causeTotal {
	count := func(n uint64) tally {
		if c.Cause.Kind == cause.Notice {
			return tally{Notices: n}
		}
		return tally{Drops: n}
	}
	total := causeTotal{
		Cause: c.Cause.ID, tally: count(c.Count), Sources: []sourceTotal{}, Fix: c.Cause.Fix, NumSources: c.NumSources,
		Others: c.Others, Directions: directionCounts(&c), Protos: protoCounts(&c),
	}
	for _, s := range c.Sources {
		total.Sources = append(total.Sources, sourceTotal{s.Src, count(s.Count)})
	}
	if r := c.Range; r != nil {
		total.Range = &rangeTotal{r.Prefix, count(r.Count), r.NumSources}
	}
	return total
}

func (t causeTotal) total(d *Decoder) (stream.CauseTotal, error) {
	kind := cause.Drop
	if t.Notices > 0 {
		kind = cause.Notice
	}
	c, err := d.cause(t.Cause, kind)
	if err != nil {
		return stream.CauseTotal{}, err
	}
	total := stream.CauseTotal{
		Cause: c, Count: t.count(), NumSources: t.NumSources, Others: t.Others,
		ByDirection: map[event.Direction]uint64{}, ByProto: map[event.Proto]uint64{},
	}
	for _, s := range t.Sources {
		total.Sources = append(total.Sources, stream.SourceTotal{Src: s.Src, Count: s.count()})
	}
	if r := t.Range; r != nil {
		total.Range = &stream.RangeTotal{Prefix: r.Prefix, Count: r.count(), NumSources: r.NumSources}
	}
	t.split(&total)
	return total, nil
}

// split reads how the count is split, with what is in neither part as unknown.
func (t *causeTotal) split(total *stream.CauseTotal) {
	for name, n := range t.Directions {
		total.ByDirection[parseDirection(name)] += n
	}
	for name, n := range t.Protos {
		proto, err := event.ParseProto(name)
		if err != nil {
			proto = 0
		}
		total.ByProto[proto] += n
	}
	rest(total.ByDirection, total.Count)
	rest(total.ByProto, total.Count)
}

func rest[K comparable](counts map[K]uint64, of uint64) {
	var unknown K
	for _, n := range counts {
		of -= min(n, of)
	}
	if of > 0 {
		counts[unknown] += of
	}
}
