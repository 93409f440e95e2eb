// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
)

// An Enricher that knows nothing, and one that knows it late, hold up their records but
// not the reading.
func TestASlowEnricherDoesNotHoldUpReading(t *testing.T) {
	var steps []step
	for range 40 {
		steps = append(steps, step{after: time.Millisecond, events: []event.Event{syn("10.9.0.5:1", 1)}})
	}
	var recorded time.Duration
	b := run(t, newFake(steps...), func(c *Config) {
		began := time.Now()
		c.Enricher, c.EveryDrop, c.Duration = ask(-1), true, 40*time.Millisecond
		c.Sink = checked{c.Sink, func() {
			if recorded == 0 {
				recorded = time.Since(began)
			}
		}}
	})
	// Not one of the reads has waited: the run's time is that of the reads.
	if b.summary.Duration != 40*time.Millisecond || len(b.records) != 40 {
		t.Errorf("%d records of a run of %s", len(b.records), b.summary.Duration)
	}
	if recorded < maxWait || recorded > maxWait+2*pause {
		t.Errorf("the first was recorded after %s", recorded)
	}
}

// slow is a sink that takes its time for a record.
type slow struct {
	*kept
	time time.Duration
}

func (s slow) Record(r stream.Record) error {
	time.Sleep(s.time)
	return s.kept.Record(r)
}

// A reader that is slow holds up the loop soon, so that the source joins drops, and
// nothing is lost.
func TestASlowSinkHoldsUpReading(t *testing.T) {
	var steps []step
	for range 100 {
		steps = append(steps, step{after: time.Millisecond, events: []event.Event{syn("10.9.0.5:1", 1)}})
	}
	f, b := newFake(steps...), &kept{}
	var ahead int
	err := runErr(t, f, b, func(c *Config) {
		c.EveryDrop, c.Duration = true, 0
		c.Records = 50
		c.Sink = checked{slow{b, time.Second}, func() { ahead = max(ahead, 100-len(f.steps)-len(b.records)) }}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(b.records) != 50 || b.summary.Drops != 100 || b.summary.Unshown != 50 {
		t.Errorf("%d records, %d drops, %d not shown", len(b.records), b.summary.Drops, b.summary.Unshown)
	}
	if ahead > 60 { // of which 50 came when there were enough records
		t.Errorf("%d reads were ahead of the sink", ahead)
	}
}

// failing is a sink of which a record fails.
type failing struct {
	*kept
	after int
	calls int
}

func (f *failing) Record(r stream.Record) error {
	if f.calls++; f.calls > f.after {
		return syscall.ENOSPC
	}
	return f.kept.Record(r)
}

// A sink that fails ends the run at once, also when nothing happens any more, and is
// not called again.
func TestASinkThatFailsEndsTheRun(t *testing.T) {
	f, to := newFake(step{events: []event.Event{syn("10.9.0.5:1", 1), syn("10.9.0.6:1", 1), syn("10.9.0.7:1", 1)}}), &failing{kept: &kept{}, after: 1}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := Run(t.Context(), f.config(t, to.kept, func(c *Config) { c.Sink, c.Duration, c.EveryDrop = to, time.Hour, true }))
		if !errors.Is(err, ErrOutput) || !errors.Is(err, syscall.ENOSPC) || !f.stopped {
			t.Errorf("err %v, stopped %v", err, f.stopped)
		}
		if took := time.Since(began); took >= tenth {
			t.Errorf("it ended after %s", took)
		}
	})
	if to.calls != 2 || len(to.records) != 1 || to.summary != nil {
		t.Errorf("%d calls, %+v", to.calls, to.kept)
	}
}

func TestSeveralSinksGetTheSame(t *testing.T) {
	one, other := &kept{}, &kept{}
	f := newFake(step{events: []event.Event{syn("10.9.0.5:1", 3)}}, step{after: time.Second, events: []event.Event{drop("10.9.0.6:1", 2)}})
	if err := runErr(t, f, one, func(c *Config) { c.Sink = stream.Tee(one, other) }); err != nil {
		t.Fatal(err)
	}
	if len(one.records) != 2 || one.start == nil || one.summary == nil {
		t.Fatalf("%+v", one)
	}
	if diff := cmp.Diff(one.sums(), other.sums()); diff != "" || one.start.Time != other.start.Time || one.summary.Drops != other.summary.Drops {
		t.Errorf("%+v, %+v: %s", one, other, diff)
	}
}

// What was recorded is flushed when nothing else is to be done, not with each record.
func TestFlushesWhenThereIsAMoment(t *testing.T) {
	var events []event.Event
	for range 3 * maxBatch {
		events = append(events, syn("10.9.0.5:1", 1))
	}
	var flushes, before int
	f := newFake(step{events: events}, step{after: time.Second})
	b := run(t, f, func(c *Config) {
		c.EveryDrop = true
		c.Sink = flushed{c.Sink, &flushes}
		f.steps[1].do = func() { before = flushes } // after the records and a second
	})
	if len(b.records) != 3*maxBatch || before < 1 || before > 5 {
		t.Errorf("%d records, %d flushes", len(b.records), before)
	}
}

// flushed counts.
type flushed struct {
	stream.Sink
	n *int
}

func (f flushed) Flush() error {
	*f.n++
	return f.Sink.Flush()
}
