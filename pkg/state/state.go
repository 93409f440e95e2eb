// SPDX-License-Identifier: Apache-2.0

// Package state is what is known of a run at any time: one bounded model of a run that
// goes on and of one that is read back from a capture.
package state

import (
	"sync"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
)

const (
	// MaxTop is how many sources of a cause, and how many places, a snapshot holds.
	MaxTop = 100
	// MaxNewest is how many records are kept.
	MaxNewest = 4000
	// maxSources bounds the sources that are counted apart, of all causes together.
	maxSources = 65536
)

// State is a sink that adds up what it gets. It may be used by several goroutines.
//
// It goes by the times that are in what it gets, never by a clock, so that a capture gives
// the same state as the run that wrote it.
type State struct {
	mu      sync.Mutex
	start   stream.Start
	summary *stream.Summary
	// begin is when the run began, or what is first known of it, and newest the newest
	// time of all.
	begin, newest time.Time
	room          int // for sources
	causes        map[string]*causeState
	recent        recent
	timeline      timeline
	places        places
	records       ring
	merged        uint64 // by the records
	sampled       sampled
}

// New returns the state of a run that has not begun.
func New() *State {
	return &State{room: maxSources, causes: map[string]*causeState{}, places: places{}, sampled: newSampled()}
}

// Start takes what the run begins with. Each file of a capture that was divided begins with
// it, and of several captures the first begins the run.
func (s *State) Start(start stream.Start) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reach(start.Time)
	if s.start.Time.IsZero() {
		s.start = start
		s.start.Part = 0
	}
	return nil
}

// reach notes that the run is known until t.
func (s *State) reach(t time.Time) {
	if t.IsZero() {
		return
	}
	if s.begin.IsZero() {
		s.begin = t
		s.timeline.begin = t
	}
	if t.After(s.newest) {
		s.newest = t
	}
}

// Record counts a record.
func (s *State) Record(r stream.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r = r.Shown()
	s.reach(r.Time)
	s.records.add(r)
	s.merged += r.Merged
	c := s.cause(r.Cause)
	c.add(&r, &s.room)
	s.places.add(&r)
	if r.Cause.Kind == cause.Drop {
		s.recent.add(r.Time, r.Count)
		s.timeline.add(&c.steps, r.Time, r.Count)
	}
	return nil
}

func (s *State) cause(c *cause.Cause) *causeState {
	known := s.causes[c.ID]
	if known == nil {
		known = newCauseState(c)
		s.causes[c.ID] = known
		s.timeline.series = append(s.timeline.series, &known.steps)
	}
	return known
}

// Sample takes what has changed beside the records.
func (s *State) Sample(sample stream.Sample) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reach(sample.Time)
	s.sampled.take(&sample)
	return nil
}

// Summary takes what the run ends with.
func (s *State) Summary(summary stream.Summary) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reach(summary.Time)
	summary.Duration = summary.Duration.Truncate(time.Microsecond) // as captures have it
	s.summary = &summary
	s.sampled.replace(&stream.Sample{
		Losses: event.Losses{Lost: summary.Lost, Unattributed: summary.Unattributed, Missed: summary.Missed},
		Merged: summary.Merged, Reconcile: summary.Reconcile, Unseen: summary.Unseen, Findings: summary.Findings,
	})
	return nil
}

// Flush does nothing.
func (s *State) Flush() error { return nil }

// Newest are the newest records that a filter lets through, the newest first, at most n.
// Without a filter all are let through.
func (s *State) Newest(n int, wanted func(*stream.Record) bool) []stream.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records.newest(n, wanted)
}
