// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"slices"
	"sync"
	"time"

	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
)

// Matcher says whether a record is to be shown.
type Matcher func(*stream.Record) bool

// Feed is the sink between a run and the screen: it keeps the state of all of it and of
// what the filter lets through, and writes the capture that was asked for.
type Feed struct {
	// Now is the run's clock.
	Now func() time.Time
	// Create makes the file of a capture.
	Create func(name string) (Capture, error)

	mu     sync.Mutex
	start  stream.Start
	all    *state.State
	part   *state.State // nil without a filter
	match  Matcher
	writer *writer // nil while no capture is written
}

// NewFeed returns the feed of a run that has not begun.
func NewFeed(now func() time.Time, create func(string) (Capture, error)) *Feed {
	return &Feed{Now: now, Create: create, all: state.New()}
}

// Start, Record, Sample, Summary and Flush make it a stream.Sink.
func (f *Feed) Start(s stream.Start) error {
	f.mu.Lock()
	f.start = s
	f.mu.Unlock()
	return f.each(func(to stream.Sink) error { return to.Start(s) })
}

func (f *Feed) Record(r stream.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.part != nil && f.match(&r) {
		_ = f.part.Record(r)
	}
	if f.writer != nil {
		f.writer.record(r)
	}
	return f.all.Record(r)
}

func (f *Feed) Sample(s stream.Sample) error {
	return f.each(func(to stream.Sink) error { return to.Sample(s) })
}

func (f *Feed) Summary(s stream.Summary) error {
	return f.each(func(to stream.Sink) error { return to.Summary(s) })
}

func (f *Feed) Flush() error { return nil }

// each passes something on to all that keep it. A capture that cannot be written ends by
// itself and ends nothing else.
func (f *Feed) each(do func(stream.Sink) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.part != nil {
		_ = do(f.part)
	}
	if f.writer != nil {
		f.writer.do(do)
	}
	return do(f.all)
}

// restart forgets everything: a capture is played again from its beginning.
func (f *Feed) restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = state.New()
	if f.part != nil {
		f.part = state.New()
	}
}

// filter shows only a part of the records from now on, and of those that are still known;
// nil shows all.
func (f *Feed) filter(match Matcher) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.match, f.part = match, nil
	if match == nil {
		return
	}
	f.part = state.New()
	_ = f.part.Start(f.start)
	known := f.all.Newest(state.MaxNewest, match)
	slices.Reverse(known)
	for _, r := range known {
		_ = f.part.Record(r)
	}
	_ = f.part.Sample(sampleOf(f.all.Snapshot(f.Now())))
}

// sampleOf is what a snapshot knows from samples.
func sampleOf(s *state.Snapshot) stream.Sample {
	return stream.Sample{
		Time: s.Time, Losses: s.Losses, Merged: s.Merged, Queues: s.Queues, Tables: s.Tables,
		Reconcile: s.Reconcile, Unseen: s.Unseen, Findings: s.Findings,
	}
}

// shown is the state that the screen shows.
func (f *Feed) shown() *state.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.part != nil {
		return f.part
	}
	return f.all
}

// look answers what the screen asks.
func (f *Feed) look(q question) look {
	now := f.Now()
	s := f.shown()
	l := look{question: q, now: now, snapshot: s.Snapshot(now), written: f.written()}
	if q.records > 0 {
		l.records = s.Newest(q.records, q.wants)
	}
	return l
}

// steer does nothing: a run goes on as it does.
func (f *Feed) steer(steering) error { return nil }
