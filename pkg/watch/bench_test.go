// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/sink"
	"github.com/synwatch/synwatch/pkg/survey"
)

// flood is a source of as many events as a benchmark has, so many with each read.
type flood struct {
	*fake
	left   int
	events []event.Event
}

// floodBatch is how many events a read returns.
const floodBatch = 1024

func newFlood(events, sources int) *flood {
	f := &flood{fake: newFake(), left: events}
	for i := range floodBatch {
		e := full("10.9.0.1:1000", 1, 128)
		e.Src = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, byte(i % sources >> 8), byte(i % sources)}), uint16(i))
		f.events = append(f.events, e)
	}
	return f
}

func (f *flood) Read(time.Time) ([]event.Event, error) {
	if f.left == 0 {
		return nil, io.EOF
	}
	n := min(f.left, floodBatch)
	f.left -= n
	return f.events[:n], nil
}

// allKnown is an Enricher that knows everything.
type allKnown struct{}

func (allKnown) Ask(enrich.Query) (enrich.Answer, bool) { return nginx, true }

// BenchmarkRun is the way of an event from the source to a line of JSON.
func BenchmarkRun(b *testing.B) {
	for name, test := range map[string]struct {
		sources   int
		everyDrop bool
	}{
		"one source": {1, false}, "many sources": {floodBatch, false}, "every drop": {floodBatch, true},
	} {
		b.Run(name, func(b *testing.B) {
			f := newFlood(b.N, test.sources)
			cfg := Config{
				Source: f, Counters: f, Sink: sink.NewJSON(io.Discard), Enricher: allKnown{}, Now: time.Now, Warn: func(string) {},
				Machine: survey.Machine{Netns: home}, EveryDrop: test.everyDrop,
			}
			b.ReportAllocs()
			if err := Run(b.Context(), cfg); err != nil {
				b.Fatal(err)
			}
		})
	}
}
