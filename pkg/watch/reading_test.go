// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/stream"
)

// slowCounters are those of a fake, some of whose readings take long.
type slowCounters struct {
	*fake
	takes    map[int]time.Duration // by the number of the reading; the first two are those of the start
	readings int
	running  atomic.Int32
}

// Sample has the values of when it begins.
func (s *slowCounters) Sample(wanted nstat.Wanted) (nstat.Reading, error) {
	s.running.Add(1)
	defer s.running.Add(-1)
	s.readings++
	r, err := s.fake.Sample(wanted)
	time.Sleep(s.takes[s.readings])
	return r, err
}

// runSlowly follows f, whose first readings after the start take so long.
func runSlowly(t *testing.T, f *fake, mod func(*Config), takes ...time.Duration) (*kept, *slowCounters) {
	t.Helper()
	s := &slowCounters{fake: f, takes: map[int]time.Duration{}}
	for i, d := range takes {
		s.takes[3+i] = d
	}
	b := run(t, f, func(c *Config) {
		c.Counters = s
		if mod != nil {
			mod(c)
		}
	})
	return b, s
}

// arrivals keeps when records came, since the beginning of the run.
func arrivals(c *Config, at *[]time.Duration) {
	began := time.Now()
	c.Sink = checked{c.Sink, func() { *at = append(*at, time.Since(began)) }}
}

func TestDropsAreReadDuringAReading(t *testing.T) {
	var steps []step
	var want, got []time.Duration
	for i := range 50 {
		steps = append(steps, step{after: tenth, events: []event.Event{syn("10.9.0.5:1", 1)}, count: overflows(1)})
		want = append(want, time.Duration(i+1)*tenth)
	}
	b, _ := runSlowly(t, newFake(steps...), func(c *Config) {
		c.EveryDrop = true
		arrivals(c, &got)
	}, 4*time.Second)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records came after (-want +got):\n%s", diff)
	}
	for _, r := range b.summary.Reconcile {
		if r.Kernel != 50 || r.Attributed != 50 {
			t.Errorf("%+v", r)
		}
	}
}

// The record of a namespace that was not met before waits until that was found, and
// after a while it does not.
func TestARecordWaitsForItsNamespace(t *testing.T) {
	for name, test := range map[string]struct {
		takes, came time.Duration
		want        string
	}{
		"soon":     {80 * time.Millisecond, 80 * time.Millisecond, "blue"},
		"too late": {time.Second, unfoundFor, ""},
	} {
		t.Run(name, func(t *testing.T) {
			first, again := elsewhere(syn("10.9.0.5:1", 5)), elsewhere(syn("10.9.0.6:1", 2))
			f := newFake(step{other: overflows(7), events: []event.Event{first, syn("10.9.0.7:1", 1)}})
			f.steps = append(f.steps, slices.Repeat([]step{{after: 10 * time.Millisecond}}, 150)...)
			f.steps = append(f.steps, step{events: []event.Event{again}})
			var came []time.Duration
			b, _ := runSlowly(t, f, func(c *Config) { arrivals(c, &came) }, test.takes)
			if len(b.records) != 3 {
				t.Fatalf("%+v", b.records)
			}
			// The other one does not wait.
			if other := b.records[0]; other.Src.Addr().String() != "10.9.0.7" || came[0] != 0 {
				t.Errorf("after %s came first %+v", came[0], other)
			}
			if late := came[1] - test.came; late < 0 || late > 10*time.Millisecond || b.records[1].NetnsName != test.want {
				t.Errorf("it came after %s with the name %q", came[1], b.records[1].NetnsName)
			}
			if got := b.records[2].NetnsName; got != "blue" {
				t.Errorf("the next one has the name %q", got)
			}
			if r := row(b.summary, second, "TcpExtListenDrops"); r == nil || r.Kernel != 7 || r.Attributed != 7 || r.NetnsName != "blue" {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestRecordsThatWaitForTheirNamespacesAreBounded(t *testing.T) {
	var events []event.Event
	for i := range maxUnfound + 10 {
		events = append(events, elsewhere(syn(fmt.Sprintf("10.9.%d.%d:1", i>>8, i&255), 1)))
	}
	var came []time.Duration
	b, _ := runSlowly(t, newFake(step{events: events}), func(c *Config) { arrivals(c, &came) }, time.Second)
	if at := slices.IndexFunc(came, func(d time.Duration) bool { return d > 0 }); at != 10 || len(b.records) != maxUnfound+10 {
		t.Errorf("%d of %d records came at once", at, len(b.records))
	}
}

// Searches for namespaces have their part of the time, also if a namespace is met during
// one for another.
func TestNoSearchRightAfterAnother(t *testing.T) {
	other := syn("10.9.0.6:1", 1)
	other.Netns = thirdID
	f := newFake(
		step{after: tenth, events: []event.Event{elsewhere(syn("10.9.0.5:1", 1))}, other: overflows(1)},
		step{after: 2 * tenth, events: []event.Event{other}},
		step{after: 5 * time.Second},
	)
	if b, _ := runSlowly(t, f, nil, time.Second); f.deep != 3 || len(b.records) != 2 { // at the start, and at the end
		t.Errorf("%d deep readings, %d records", f.deep, len(b.records))
	}
}

// A namespace that the reading under way turns out to hold is not searched for.
func TestNoSearchForWhatIsFoundMeanwhile(t *testing.T) {
	f := newFake(
		step{after: time.Second, other: overflows(5)},
		step{after: tenth, events: []event.Event{elsewhere(syn("10.9.0.5:1", 5))}},
		step{after: tenth}, step{after: time.Second},
	)
	var came []time.Duration
	b, _ := runSlowly(t, f, func(c *Config) { arrivals(c, &came) }, tenth*3/2)
	if f.deep != 2 || b.records[0].NetnsName != "blue" || came[0] != time.Second+2*tenth {
		t.Errorf("%d deep readings, after %v %+v", f.deep, came, b.records)
	}
}

// The last that is known of a namespace that is gone is in the reading that is under way
// at the end.
func TestEndsDuringAReading(t *testing.T) {
	f := newFake(
		step{after: 2 * tenth, other: overflows(5), events: []event.Event{elsewhere(syn("10.9.0.5:1", 5))}},
		step{after: tenth, gone: true},
	)
	b, s := runSlowly(t, f, func(c *Config) { c.Duration = 4 * tenth }, 3*time.Second)
	if r := row(b.summary, second, "TcpExtListenDrops"); r == nil || r.Kernel != 5 || r.Attributed != 5 || r.NetnsName != "blue" {
		t.Errorf("%+v", r)
	}
	if s.readings != 5 || f.deep != 3 || b.summary.Duration != 3200*time.Millisecond {
		t.Errorf("%d readings, %d deep, a run of %s", s.readings, f.deep, b.summary.Duration)
	}
}

// At the end nothing is waited for but the readings.
func TestEndsWithoutWaitingForANamespace(t *testing.T) {
	other := syn("10.9.0.6:1", 1)
	other.Netns = thirdID // which no reading holds
	f := newFake(step{after: time.Second}, step{after: tenth / 2, events: []event.Event{other}})
	var took time.Duration
	b, _ := runSlowly(t, f, func(c *Config) {
		began := time.Now()
		c.Duration = f.steps[0].after + f.steps[1].after
		c.Sink = concluded{c.Sink, func() { took = time.Since(began) }}
	}, tenth)
	if want := time.Second + tenth; took != want || len(b.records) != 1 {
		t.Errorf("it ended after %s with %d records, want %s", took, len(b.records), want)
	}
}

// concluded calls a function at the summary.
type concluded struct {
	stream.Sink
	now func()
}

func (c concluded) Summary(s stream.Summary) error {
	c.now()
	return c.Sink.Summary(s)
}

// While nothing happens, the source rests during a reading, too.
func TestRestsDuringAReading(t *testing.T) {
	f := newFake()
	_, _ = runSlowly(t, f, func(c *Config) { c.Duration = 5 * time.Second }, 3500*time.Millisecond)
	want := []time.Duration{time.Second, time.Second, time.Second, time.Second, time.Second / 2}
	if diff := cmp.Diff(want, f.waits); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}

func TestASinkThatFailsDuringAReading(t *testing.T) {
	f, to := newFake(step{events: []event.Event{elsewhere(syn("10.9.0.5:1", 1)), syn("10.9.0.7:1", 1)}}), &failing{kept: &kept{}}
	s := &slowCounters{fake: f, takes: map[int]time.Duration{3: time.Minute}}
	synctest.Test(t, func(t *testing.T) {
		err := Run(t.Context(), f.config(t, to.kept, func(c *Config) { c.Sink, c.Counters, c.Duration = to, s, time.Hour }))
		if !errors.Is(err, ErrOutput) || !errors.Is(err, syscall.ENOSPC) || !f.stopped || to.summary != nil {
			t.Errorf("err %v, stopped %v, summary %v", err, f.stopped, to.summary)
		}
		if n := s.running.Load(); n != 0 || s.readings != 3 {
			t.Errorf("%d of %d readings are under way", n, s.readings)
		}
	})
}

// While a reading is under way, the second namespace ends, and another one gets its
// number. What was read is that of the second one, of which only a cookie tells.
func TestANumberThatIsGivenAgainDuringAReading(t *testing.T) {
	for name, test := range map[string]struct {
		cookies, met bool // there was a record of the second namespace before
		want         map[uint64]string
	}{
		"cookies, met":     {true, true, map[uint64]string{2: "blue 14 12", 3: "green 9 9"}},
		"cookies, not met": {true, false, map[uint64]string{2: " 14 0", 3: "green 9 9"}},
		"met":              {false, true, map[uint64]string{2: "blue 12 12", 3: "green 9 9"}},
		"not met":          {false, false, map[uint64]string{3: "green 9 9"}},
	} {
		t.Run(name, func(t *testing.T) {
			next := syn("10.9.0.6:1", 9)
			next.Netns = thirdID
			f := newFake(
				step{after: 5 * tenth},
				step{}, // enters the reading that the one before is for
				step{after: 5 * tenth, other: overflows(2)},
				step{after: 5 * tenth},
				step{after: 2 * tenth, next: true, other: overflows(9), events: []event.Event{next}},
				step{after: 5 * time.Second},
			)
			takes := []time.Duration{0, time.Second}
			if test.met {
				f.steps[0].events, f.steps[0].other = []event.Event{elsewhere(syn("10.9.0.5:1", 12))}, overflows(12)
			} else {
				f.steps[2].other = overflows(14)
				takes = takes[1:]
			}
			f.cookies = test.cookies
			b, _ := runSlowly(t, f, nil, takes...)
			got := map[uint64]string{}
			for _, r := range b.summary.Reconcile {
				if r.Netns == second && r.Counter == "TcpExtListenDrops" {
					got[r.Cookie] = fmt.Sprintf("%s %d %d", r.NetnsName, r.Kernel, r.Attributed)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if at := slices.IndexFunc(b.records, func(r stream.Record) bool { return r.Netns == thirdID }); at < 0 || b.records[at].NetnsName == "blue" {
				t.Errorf("records %+v", b.records)
			}
		})
	}
}

// A reading that is done is entered at once, also when nothing happens, and the sampler
// is told right after.
func TestMeasuresFollowReadings(t *testing.T) {
	f, s := newFake(step{count: overflows(3)}), &sampling{kept: &kept{}}
	var began time.Time
	_, _ = runSlowly(t, f, func(c *Config) {
		began = time.Now()
		c.Sink, c.Samples, c.Duration = s, time.Second, 3*time.Second
	}, 370*time.Millisecond)
	var told []time.Duration
	for _, one := range s.samples {
		if one.Reconcile != nil {
			told = append(told, one.Time.Sub(began))
		}
	}
	if diff := cmp.Diff([]time.Duration{1370 * time.Millisecond}, told); diff != "" {
		t.Errorf("counters were told after (-want +got):\n%s", diff)
	}
}
