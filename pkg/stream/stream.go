// SPDX-License-Identifier: Apache-2.0

// Package stream is what a run says, in the order in which it says it, to all that
// show or keep it.
package stream

import (
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/survey"
)

// Sink gets what happened, in the order Start, any number of Records and Samples,
// Summary. It may hold back what it writes until Flush. The slices and maps that it gets
// are not changed any more, and it does not change them: several sinks share them.
type Sink interface {
	Start(Start) error
	Record(Record) error
	Sample(Sample) error
	Summary(Summary) error
	Flush() error
}

// Start is what a run begins with.
type Start struct {
	Time    time.Time
	Version string
	Machine survey.Machine
	Hooks   []event.HookState
	// Blind are the IDs of the causes that this run cannot see, or sees only as
	// a counter's total.
	Blind []string
	// Part is which part this is of a capture that was divided into files, from 0 on. Each
	// begins with the same Start but for this.
	Part int
}

// Record is one or more drops, or notices, of the same cause, stage, direction,
// protocol, source address, destination and network namespace. Its Time, source port, Evidence
// and so on are those of the newest.
type Record struct {
	event.Event
	Cause *cause.Cause
	Stage string
	// NetnsName is the namespace's name, if it has one.
	NetnsName string
	// Answer is the listener, the interface and so on.
	enrich.Answer
}
