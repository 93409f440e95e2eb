// SPDX-License-Identifier: Apache-2.0

// Package state is what is known of a run at any time: one bounded model of a run that
// goes on and of one that is read back from a capture.
package state

import (
	"time"

	"github.com/synwatch/synwatch/pkg/stream"
)

// MaxTop is how many sources of a cause, and how many places, a snapshot holds.
const MaxTop = 100

// State is a sink that adds up what it gets. It may be used by several goroutines.
type State struct{}

// New returns the state of a run that has not begun.
func New() *State { return &State{} }

// Start, Record, Sample, Summary and Flush make it a stream.Sink.
func (s *State) Start(stream.Start) error     { return nil }
func (s *State) Record(stream.Record) error   { return nil }
func (s *State) Sample(stream.Sample) error   { return nil }
func (s *State) Summary(stream.Summary) error { return nil }
func (s *State) Flush() error                 { return nil }

// Snapshot is the run until now. A time before the newest of the run stands for that.
func (s *State) Snapshot(now time.Time) *Snapshot { return &Snapshot{} }

// Newest are the newest records that a filter lets through, the newest first, at most n.
func (s *State) Newest(n int, wanted func(*stream.Record) bool) []stream.Record { return nil }
