// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/synwatch/synwatch/pkg/capture"
	"github.com/synwatch/synwatch/pkg/capture/capturetest"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/sink"
	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
)

// sampling keeps the samples, too.
type sampling struct {
	*kept
	samples []stream.Sample
	ended   bool
}

func (s *sampling) Sample(sample stream.Sample) error {
	s.samples, s.ended = append(s.samples, sample), s.summary != nil
	return nil
}

// dials are gauges that move.
type dials struct {
	reads           int
	wanted          []enrich.Wanted
	waiting, count  uint32
	gone, untracked bool
	takes           time.Duration
	of              func() // before a read
}

func (d *dials) Read(wanted []enrich.Wanted) []enrich.Gauge {
	if d.of != nil {
		d.of()
	}
	time.Sleep(d.takes)
	d.reads++
	d.wanted = wanted
	var found []enrich.Gauge
	for _, w := range wanted {
		g := enrich.Gauge{Netns: w.Netns}
		if !d.untracked {
			g.Conntrack = &conntrack.Usage{Count: d.count, Max: 10000}
		}
		if w.Listeners {
			limit := uint32(128)
			g.Listening, g.Somaxconn = []sockets.Socket{}, 4096
			if !d.gone {
				g.Listening = append(g.Listening, sockets.Socket{Addr: netip.MustParseAddrPort("[::]:443"), Queue: &sockets.Queue{Waiting: d.waiting, Limit: &limit}})
			}
		}
		if w.Requests {
			g.Requests = map[netip.AddrPort]uint32{netip.MustParseAddrPort("10.0.0.1:443"): 7, netip.MustParseAddrPort("10.0.0.2:443"): 2, netip.MustParseAddrPort("10.0.0.1:80"): 100}
		}
		found = append(found, g)
	}
	return found
}

// sampled runs f for a second longer than its steps with a sample each second.
func sampled(t *testing.T, f *fake, d *dials, mod func(*Config)) *sampling {
	t.Helper()
	s := &sampling{kept: &kept{}}
	err := runErr(t, f, s.kept, func(c *Config) {
		c.Sink, c.Samples, c.Enricher = s, time.Second, ask(0)
		if d != nil {
			c.Gauges = d
		}
		if mod != nil {
			mod(c)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.ended {
		t.Error("there is a sample after the summary")
	}
	return s
}

// idle is reads of a tenth of a second each.
func idle(reads int) []step { return slices.Repeat([]step{{after: tenth}}, reads) }

func TestSamplesHoldWhatHasChanged(t *testing.T) {
	d := &dials{count: 500, waiting: 129}
	f := newFake(
		step{events: []event.Event{full("10.9.0.1:1", 3, 128)}, count: map[string]uint64{"TcpExtListenOverflows": 3, "TcpExtListenDrops": 3}},
	)
	f.steps = append(f.steps, idle(25)...)
	f.steps = append(f.steps, step{do: func() { d.waiting = 100 }})
	f.steps = append(f.steps, idle(30)...)
	f.steps = append(f.steps, step{do: func() { d.gone, d.untracked = true, true }})
	f.steps = append(f.steps, idle(20)...)
	s := sampled(t, f, d, nil)
	listen := netip.MustParseAddrPort("[::]:443")
	queue := func(waiting uint32) stream.Queue {
		return stream.Queue{Netns: homeID, Listen: listen, Listener: nginx.Listener, Accept: waiting, AcceptMax: 128, Limit: "listen backlog"}
	}
	var queues []stream.Queue
	var tables []stream.Table
	var rows []stream.Row
	var findings []diagnose.Finding
	for _, one := range s.samples {
		queues, tables, rows = append(queues, one.Queues...), append(tables, one.Tables...), append(rows, one.Reconcile...)
		findings = append(findings, one.Findings...)
		if one.Unseen != nil {
			t.Errorf("%+v", one)
		}
	}
	equate := cmp.Options{cmpopts.EquateComparable(netip.AddrPort{})}
	if diff := cmp.Diff([]stream.Queue{queue(129), queue(100), {Netns: homeID, Listen: listen}}, queues, equate); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]stream.Table{{Netns: homeID, Count: 500, Max: 10000}, {Netns: homeID}}, tables); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(s.summary.Reconcile, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if len(findings) != 1 || findings[0].ID != "traced-accept-queue-full" {
		t.Errorf("findings %+v", findings)
	}
	if len(s.samples) > 4 || d.reads < 5 {
		t.Errorf("%d samples of %d reads", len(s.samples), d.reads)
	}
}

// The state of a run is that of what it wrote, read back.
func TestReplayedStateIsThatOfTheRun(t *testing.T) {
	var written bytes.Buffer
	live := state.New()
	d := &dials{count: 500, waiting: 129}
	d.of = func() { d.count, d.waiting = d.count+77, d.waiting+1 }
	var steps []step
	for i := range 20 {
		at := time.Date(2000, 1, 1, 0, 0, 0, i*700e6, time.UTC) // when synctest begins
		away := towards(event.Forward, "10.9.0.1", "10.88.0.2")
		away.Netns, away.Facts = secondID, event.ConntrackClash
		request := syn("10.9.0.9:1", uint64(i+1))
		request.Facts = event.RequestQueueDrop
		events := []event.Event{full("10.9.0.1:1", 3, 128), drop("10.9.0.2:1", 1), away, request}
		for i := range events {
			events[i].Time = at
		}
		steps = append(steps, step{
			after: 700 * time.Millisecond, events: events,
			count: map[string]uint64{"TcpExtListenOverflows": 3, "TcpExtListenDrops": 4}, other: map[string]uint64{"TcpExtListenDrops": 1},
		})
	}
	f := newFake(steps...)
	f.losses = event.Losses{Lost: 2, Missed: 3}
	s := sampled(t, f, d, func(c *Config) { c.Sink = stream.Tee(c.Sink, live, sink.NewJSON(&written)) })
	if len(s.samples) < 6 || s.samples[0].Losses != f.losses {
		t.Errorf("%d samples", len(s.samples))
	}
	same := cmp.Options{
		cmp.Comparer(func(a, b *cause.Cause) bool { return a.ID == b.ID }), cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}, netip.Prefix{}),
		cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(diagnose.Finding{}), cmpopts.IgnoreFields(event.Event{}, "Facts"),
	}
	capturetest.CheckLines(t, written.String())
	// Before the summary, and with it.
	text := written.Bytes()
	for _, part := range [][]byte{text[:bytes.LastIndexByte(text[:len(text)-1], '\n')+1], text} {
		again, want := state.New(), live
		stats, err := capture.Read(bytes.NewReader(part), again, capture.Options{Skipped: func(s capture.Skip) { t.Errorf("%s of:\n%s", s, text) }})
		if err != nil || stats.Skipped > 0 {
			t.Fatalf("%v, %+v", err, stats)
		}
		if len(part) < len(text) {
			want = before(t, s)
		}
		got := again.Snapshot(time.Time{})
		if diff := cmp.Diff(want.Snapshot(time.Time{}), got, same); diff != "" {
			t.Errorf("live and replay differ (-live +replay):\n%s", diff)
		}
		if len(got.Queues) != 2 || got.Queues[0].Requests != 9 || got.Queues[0].RequestsMax != 128 || len(got.Tables) != 2 || len(got.Findings) < 2 || len(got.Reconcile) < 3 {
			t.Errorf("got %+v", got)
		}
		if diff := cmp.Diff(want.Newest(1000, nil), again.Newest(1000, nil), same); diff != "" {
			t.Error(diff)
		}
	}
}

// before is the state of a run before its summary, in the order of its times.
func before(t *testing.T, s *sampling) *state.State {
	t.Helper()
	of := state.New()
	all := []error{of.Start(*s.start)}
	for _, r := range s.records {
		all = append(all, of.Record(r))
	}
	for _, sample := range s.samples {
		all = append(all, of.Sample(sample))
	}
	if i := slices.IndexFunc(all, func(err error) bool { return err != nil }); i >= 0 {
		t.Fatal(all[i])
	}
	return of
}

// Nothing is made of nothing.
func TestNoSamplesOfAQuietRun(t *testing.T) {
	d := &dials{count: 500}
	d.of = func() { d.count++ } // less than what is told
	if s := sampled(t, newFake(idle(60)...), d, nil); len(s.samples) != 1 || s.samples[0].Tables == nil {
		t.Errorf("%+v", s.samples)
	}
	if len(d.wanted) != 1 || d.wanted[0] != (enrich.Wanted{Netns: homeID}) {
		t.Errorf("it looked at %+v", d.wanted)
	}
	if s := sampled(t, newFake(idle(60)...), d, func(c *Config) { c.Samples = 0 }); len(s.samples) > 0 {
		t.Errorf("%+v", s.samples)
	}
}

// What takes long to read is read less often, and neither it nor its end holds up the run.
func TestSlowGaugesDoNotHoldUpReading(t *testing.T) {
	d := &dials{takes: 300 * time.Millisecond}
	d.of = func() { d.count += 100 }
	var steps []step
	for range 2000 {
		steps = append(steps, step{after: 10 * time.Millisecond, events: []event.Event{syn("10.9.0.5:1", 1)}})
	}
	s := sampled(t, newFake(steps...), d, func(c *Config) { c.Duration = 20 * time.Second })
	if s.summary.Duration != 20*time.Second || s.summary.Drops != 2000 {
		t.Errorf("%s, %d drops", s.summary.Duration, s.summary.Drops)
	}
	if d.reads < 3 || d.reads > 4 {
		t.Errorf("%d reads", d.reads)
	}
}

// A run that ends does so in order, while the sampler is at work.
func TestEndsDuringASample(t *testing.T) {
	d := &dials{takes: 5 * time.Second}
	f := newFake(step{after: 1500 * time.Millisecond, events: []event.Event{syn("10.9.0.5:1", 1)}}, step{after: time.Second})
	if s := sampled(t, f, d, nil); len(s.samples) > 0 || s.summary == nil || d.reads != 1 {
		t.Errorf("%d samples, summary %+v, %d reads", len(s.samples), s.summary, d.reads)
	}
}

// failsToSample is a sink to which no sample can be written.
type failsToSample struct{ *kept }

func (f failsToSample) Sample(stream.Sample) error { return bytes.ErrTooLarge }

func TestASampleThatFailsEndsTheRun(t *testing.T) {
	f, b := newFake(step{events: []event.Event{syn("10.9.0.5:1", 1)}}), &kept{}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		cfg := f.config(t, b, func(c *Config) { c.Sink, c.Samples, c.Duration = failsToSample{b}, time.Second, time.Hour })
		if err := Run(t.Context(), cfg); err == nil || !f.stopped || b.summary != nil || time.Since(began) > 2*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

// Rows of namespaces that are not listed any more are said to be gone.
func TestRowsThatAreGone(t *testing.T) {
	told := rowsTold{}
	one, two := stream.Row{Netns: 1, Counter: "A", Kernel: 1}, stream.Row{Netns: 2, Cookie: 5, Counter: "A", Kernel: 1}
	for i, test := range []struct{ rows, want []stream.Row }{
		{[]stream.Row{one, two}, []stream.Row{one, two}},
		{[]stream.Row{one, two}, nil},
		{[]stream.Row{one}, []stream.Row{{Netns: 2, Cookie: 5, Counter: "A"}}},
		{[]stream.Row{one}, nil},
	} {
		if diff := cmp.Diff(test.want, told.changed(test.rows)); diff != "" {
			t.Errorf("%d: %s", i, diff)
		}
	}
	if !told.changed(nil)[0].Gone() {
		t.Error("a row is not gone")
	}
}
