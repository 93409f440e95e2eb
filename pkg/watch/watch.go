// SPDX-License-Identifier: Apache-2.0

// Package watch follows a source of events: it names their causes, joins
// records of the same kind, keeps exact totals and sets them against the
// kernel's own counters.
//
// Four goroutines have a run. The loop, which is Run itself, reads the source, and owns the
// totals, the network namespaces and what waits to be joined. The recorder asks the
// Enricher and calls the Sink, and owns the records from when the loop has handed them
// over. Only the places of drops are for both, under a lock. The sampler looks at queues and
// tables beside them and makes the samples, of these and of what the loop tells it of itself.
// The reader reads the kernel's counters while the loop reads drops, for the loop to enter;
// only at the beginning and at the end of the counting does the loop wait for that.
package watch

import (
	"time"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/survey"
)

// Source is where the events come from; probe.Tracer is one.
type Source interface {
	// Coverage says what the source can see, which may change while it runs.
	Coverage() event.Coverage
	// Start makes the source count from now on.
	Start() error
	// Read waits for a moment. While nothing is dropped, it waits for the next drop, at
	// most until the given time. It may return nothing. After Stop it returns the rest
	// and then io.EOF.
	Read(until time.Time) ([]event.Event, error)
	// Wake ends a wait.
	Wake()
	// Ignore says that event number i of the last Read is no drop, like all of its
	// kind; the source may leave these out as long as its coverage does not change.
	Ignore(i int)
	// Stop makes the source count no more.
	Stop() error
	// Losses counts what could not be reported in full.
	Losses() (event.Losses, error)
}

// Counters reads the kernel's own counters; nstat.Sampler is one.
type Counters interface {
	// Sample is called by one goroutine at a time. What it returns does not change.
	Sample(nstat.Wanted) (nstat.Reading, error)
}

// Gauges reads queues and tables as they are now; enrich.Gauges is one.
type Gauges interface {
	// Read leaves out the network namespaces that it cannot read.
	Read([]enrich.Wanted) []enrich.Gauge
}

// Config says what to trace and where the results go.
type Config struct {
	Source   Source
	Counters Counters
	// Sink gets everything, from one goroutine; stream.Tee makes one of several.
	Sink stream.Sink
	// Enricher may be nil.
	Enricher Enricher
	// Addresses may be nil: then the direction of what died before it was routed is not
	// known.
	Addresses Addresses
	// Table reads who has the connection tracking entries of a network namespace;
	// conntrack.ReadNetns is one. It may be nil.
	Table func(id netns.ID) (*conntrack.NetnsTable, error)
	// Waiting looks at an accept queue; sockets.ReadWaiting is one. It may be nil.
	Waiting func(id netns.ID, port uint16) (sockets.Waiting, error)
	// Survey reads the sysctls and counters of a network namespace; survey.InNetns is one.
	// It may be nil.
	Survey func(id netns.ID) (*survey.Snapshot, error)
	// Samples is the time between two samples for the sink; 0 for none.
	Samples time.Duration
	// Gauges reads the queues and tables of samples; enrich.Gauges is one. It may be nil.
	Gauges Gauges
	// Now is the clock.
	Now func() time.Time
	// Warn takes a line about what changed or went wrong without ending the run.
	Warn func(string)

	Machine survey.Machine
	Version string

	// Selection is what to record. The kernel's counters are attributed for all.
	Selection
	// EveryDrop says that the source makes an event of each drop, and that these are
	// not joined.
	EveryDrop bool
	// Records ends the run after so many drop records, Duration after that
	// time. 0 for no end.
	Records  uint64
	Duration time.Duration

	// MaxWait is how long a record may wait for what the Enricher knows of it.
	// 0 for 50 ms.
	MaxWait time.Duration
	// MaxUndirected is how long an event may wait for its direction. 0 for 10 s.
	MaxUndirected time.Duration
	// MaxUnfound is how long an event may wait until its network namespace was found and
	// has a name. 0 for 150 ms.
	MaxUnfound time.Duration

	// MaxSources bounds the sources of which totals are kept, of all causes
	// together. 0 for 65,536.
	MaxSources int

	// Netns are the only namespaces that the source looks at; empty for all.
	Netns []uint32
	// Filtered says that the source leaves out drops by address, port, direction or
	// protocol; the kernel's counters include them.
	Filtered bool
}
