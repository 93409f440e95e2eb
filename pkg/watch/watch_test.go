// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
)

const tenth = 100 * time.Millisecond

func TestCoalescedRecordsSumUpExactly(t *testing.T) {
	var steps []step
	for range 25 { // 2.5 s
		steps = append(steps, step{after: tenth, events: []event.Event{
			drop("10.9.0.5:1000", 3), drop("10.9.0.5:2000", 1), drop("10.9.0.6:1", 1),
		}})
	}
	b := run(t, newFake(steps...), nil)
	want := map[string]uint64{"no-listener 10.9.0.5": 100, "no-listener 10.9.0.6": 25}
	if diff := cmp.Diff(want, b.sums()); diff != "" {
		t.Errorf("sums (-want +got):\n%s", diff)
	}
	// At once, after one and two seconds, and what was left.
	if len(b.records) != 8 {
		t.Errorf("got %d records: %v", len(b.records), b.counts())
	}
	if b.records[0].Count != 3 {
		t.Errorf("the first drops of a key are shown as %d, not at once", b.records[0].Count)
	}
	if port := b.records[len(b.records)-2].Src.Port(); port != 2000 {
		t.Errorf("the source port is %d, not that of the newest", port)
	}
	if b.summary.Drops != 125 || b.summary.Causes[0].Sources[0].Count != 100 {
		t.Errorf("summary: %+v", b.summary)
	}
}

func TestPendingRecordsAreWrittenWhenDue(t *testing.T) {
	b := run(t, newFake(
		step{events: []event.Event{drop("10.9.0.5:1", 1)}},
		step{after: tenth, events: []event.Event{drop("10.9.0.5:1", 7)}},
		step{after: time.Second},
		step{after: time.Second}, // forgets the key
		step{after: tenth, events: []event.Event{drop("10.9.0.5:1", 5)}},
	), func(c *Config) { c.Duration = time.Minute })
	if diff := cmp.Diff([]uint64{1, 7, 5}, b.counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestBenignAndUnknownAreIgnored(t *testing.T) {
	benign := drop("10.9.0.5:1", 5)
	benign.Facts, benign.Reason = event.DeferAccept, "TCP_OLD_DATA"
	accepted := syn("10.9.0.5:1", 5)
	accepted.Facts = 0
	f := newFake(step{events: []event.Event{benign, drop("10.9.0.6:1", 7), accepted}})
	b := run(t, f, nil)
	if diff := cmp.Diff([]uint64{7}, b.counts()); diff != "" || b.summary.Drops != 7 || len(b.summary.Causes) != 1 {
		t.Errorf("got %+v, %+v", b.records, b.summary)
	}
	if diff := cmp.Diff([]int{0, 2}, f.ignored); diff != "" {
		t.Errorf("ignored events (-want +got):\n%s", diff)
	}
}

func TestCountEndsAfterRecords(t *testing.T) {
	f := newFake(step{events: []event.Event{
		cookie("10.9.0.1:1", 1), drop("10.9.0.5:1", 1), drop("10.9.0.6:1", 2), drop("10.9.0.7:1", 3),
	}}, step{events: []event.Event{drop("10.9.0.8:1", 4)}})
	b := run(t, f, func(c *Config) { c.Records, c.Duration, c.Notices = 2, 0, true })
	if diff := cmp.Diff([]uint64{1, 1, 2}, b.counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if b.summary.Drops != 10 || b.summary.Unshown != 7 {
		t.Errorf("drops %d, unshown %d", b.summary.Drops, b.summary.Unshown)
	}
}

func TestCauseFilterKeepsReconciliation(t *testing.T) {
	moved := map[string]uint64{"TcpExtListenOverflows": 4, "TcpExtListenDrops": 4}
	b := run(t, newFake(step{count: moved, events: []event.Event{syn("10.9.0.5:1", 4), drop("10.9.0.6:1", 2)}}),
		func(c *Config) { c.Causes = []*cause.Cause{find(t, "no-listener")} })
	if diff := cmp.Diff(map[string]uint64{"no-listener 10.9.0.6": 2}, b.sums()); diff != "" {
		t.Errorf("sums (-want +got):\n%s", diff)
	}
	want := []stream.Row{
		{Netns: home, Cookie: 1, Namespaces: 1, Counter: "TcpExtListenOverflows", Kernel: 4, Attributed: 4},
		{Netns: home, Cookie: 1, Namespaces: 1, Counter: "TcpExtListenDrops", Kernel: 4, Attributed: 4},
	}
	if diff := cmp.Diff(want, b.summary.Reconcile); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestWaitsUntilTheNextDuty(t *testing.T) {
	joined := step{after: 50 * time.Millisecond, events: []event.Event{drop("10.9.0.5:1000", 3)}}
	for name, test := range map[string]struct {
		steps    []step
		duration time.Duration
		want     []time.Duration
	}{
		"samples, end":       {nil, 2500 * time.Millisecond, []time.Duration{time.Second, time.Second, time.Second / 2}},
		"records to come":    {[]step{joined, joined}, 350 * time.Millisecond, []time.Duration{tenth, tenth, tenth}},
		"end of a quick one": {nil, 300 * time.Millisecond, []time.Duration{3 * tenth}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(test.steps...)
			run(t, f, func(c *Config) { c.Duration = test.duration })
			if diff := cmp.Diff(test.want, f.waits); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoticesOnlyOnRequest(t *testing.T) {
	for _, notices := range []bool{false, true} {
		b := run(t, newFake(step{events: []event.Event{cookie("10.9.0.5:1", 4)}}), func(c *Config) { c.Notices = notices })
		if (len(b.records) == 1) != notices || (len(b.summary.Causes) == 1) != notices {
			t.Errorf("notices %v: records %v, causes %v", notices, b.records, b.summary.Causes)
		}
		if b.summary.Notices != 4 || b.summary.Drops != 0 {
			t.Errorf("notices %v: %+v", notices, b.summary)
		}
	}
}

func TestEveryDropIsNotJoined(t *testing.T) {
	merged := drop("10.9.0.5:1", 10)
	merged.Merged = 10
	b := run(t, newFake(step{events: []event.Event{drop("10.9.0.5:1", 1), drop("10.9.0.5:2", 1), merged}}),
		func(c *Config) { c.EveryDrop = true })
	if diff := cmp.Diff([]uint64{1, 1, 10}, b.counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if b.summary.Merged != 10 || b.summary.Drops != 12 {
		t.Errorf("summary: %+v", b.summary)
	}
}

func TestLateCoverage(t *testing.T) {
	late := fullCoverage()
	early := fullCoverage()
	early.Hooks = append(early.Hooks, event.HookState{Name: "nf_conntrack_in", Status: event.Waiting})
	late.Hooks = append(late.Hooks, event.HookState{Name: "nf_conntrack_in", Mode: event.ModeFentry, Status: event.Attached})
	early.Observable &^= event.Rejected
	reject := drop("10.9.0.5:1", 1)
	reject.Facts, reject.Reason = event.Rejected, "NETFILTER_DROP"
	f := newFake(step{events: []event.Event{reject}}, step{cov: &late, events: []event.Event{reject}})
	f.cov = early
	var warned []string
	b := run(t, f, func(c *Config) { c.Warn = func(s string) { warned = append(warned, s) } })
	want := map[string]uint64{"netfilter-drop 10.9.0.5": 1, "netfilter-reject 10.9.0.5": 1}
	if diff := cmp.Diff(want, b.sums()); diff != "" {
		t.Errorf("sums (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"the hook nf_conntrack_in is attached now"}, warned); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if !slices.Contains(b.start.Blind, "netfilter-reject") {
		t.Errorf("blind at the start: %v", b.start.Blind)
	}
}

func TestBoundedTablesStayExact(t *testing.T) {
	c, ta := newCoalescer(2), newTally(2)
	now := time.Now()
	var recorded, drops uint64
	for i := range 300 {
		r := located{Record: stream.Record{Event: drop(fmt.Sprintf("10.9.0.%d:1", i%5), 2), Cause: find(t, "no-listener")}}
		ta.add(r.Cause, &r.Event)
		drops += r.Count
		if c.add(r, now) {
			recorded += r.Count
		}
		for _, r := range c.due(now) {
			recorded += r.Count
		}
		now = now.Add(10 * time.Millisecond)
		if len(c.byKey) > 2 || len(c.queue) > 2 {
			t.Fatalf("%d keys, %d queued", len(c.byKey), len(c.queue))
		}
	}
	for _, r := range c.rest() {
		recorded += r.Count
	}
	if recorded != drops {
		t.Errorf("recorded %d of %d", recorded, drops)
	}
	s := ta.summary()[0]
	if s.Count != drops || len(s.Sources) != 2 || s.Others != drops*3/5 {
		t.Errorf("tally %+v", s)
	}
}

func TestContextEndsWithDrainAndPendingRecords(t *testing.T) {
	b := &kept{}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var f *fake
		f = newFake(
			step{events: []event.Event{drop("10.9.0.5:1", 1)}},
			step{do: func() { cancel(); <-f.woken }, events: []event.Event{drop("10.9.0.5:1", 2)}},
			step{events: []event.Event{drop("10.9.0.5:1", 4)}}, // what was left at Stop
		)
		err := Run(ctx, f.config(t, b, func(c *Config) { c.Duration = 0 }))
		if err != nil || !f.stopped {
			t.Fatalf("err %v, stopped %v", err, f.stopped)
		}
	})
	if diff := cmp.Diff([]uint64{1, 6}, b.counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestOutputErrorEndsWithoutSummary(t *testing.T) {
	f, b := newFake(step{events: []event.Event{drop("10.9.0.5:1", 1)}}), &kept{err: syscall.EPIPE}
	err := runErr(t, f, b, nil)
	if !errors.Is(err, ErrOutput) || !errors.Is(err, syscall.EPIPE) || b.summary != nil {
		t.Errorf("err %v, summary %v", err, b.summary)
	}
	if !f.stopped {
		t.Error("the source was not stopped")
	}
}

func TestReadErrorStillGivesTheSummary(t *testing.T) {
	f, b := newFake(step{events: []event.Event{drop("10.9.0.5:1", 3)}, err: errors.New("broken ring")}), &kept{}
	err := runErr(t, f, b, nil)
	if err == nil || !strings.Contains(err.Error(), "broken ring") || b.summary == nil || b.summary.Drops != 3 {
		t.Errorf("err %v, summary %+v", err, b.summary)
	}
}
