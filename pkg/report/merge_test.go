// SPDX-License-Identifier: Apache-2.0

package report

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/capture"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/state"
)

func total(t Timeline) (sum uint64) {
	for _, s := range t.Series {
		for _, n := range s.Counts {
			sum += n
		}
	}
	return sum
}

// However steps are put together, each drop is in one.
func TestTimelinesAddUp(t *testing.T) {
	accept, closed := lookup(t, "accept-queue-full"), lookup(t, "no-listener")
	of := func(begin time.Time, step time.Duration, counts ...uint64) Capture {
		return Capture{Snapshot: &state.Snapshot{Timeline: state.Timeline{Begin: begin, Step: step, ByCause: map[*cause.Cause][]uint64{accept: counts, closed: counts}}}}
	}
	long := make([]uint64, 5000)
	for i := range long {
		long[i] = 1
	}
	for name, test := range map[string]struct {
		captures []Capture
		want     uint64
	}{
		"one":         {[]Capture{of(noon, time.Second, 1, 2, 3)}, 12},
		"of two":      {[]Capture{of(noon, time.Second, 1, 2, 3), of(noon.Add(-time.Hour), 3*time.Second, 4)}, 20},
		"long":        {[]Capture{of(noon, time.Second, long...)}, 10000},
		"days apart":  {[]Capture{of(noon, time.Second, 1), of(noon.AddDate(0, 0, 9), time.Second, 1)}, 4},
		"an odd step": {[]Capture{of(noon, 7*time.Second, long...), of(noon.Add(time.Millisecond), time.Second, 5)}, 10010},
		"none":        {[]Capture{{Snapshot: &state.Snapshot{}}}, 0},
	} {
		whole := mergeTimelines(test.captures)
		if got := total(whole); got != test.want || whole.Steps > maxSteps {
			t.Errorf("%s: %d drops in %d steps, want %d", name, got, whole.Steps, test.want)
		}
		for _, most := range []int{1, 7, 40, 120, 1000} {
			if c := whole.Coarser(most); total(c) != test.want || c.Steps > most {
				t.Errorf("%s, at most %d: %d drops in %d steps, want %d", name, most, total(c), c.Steps, test.want)
			}
		}
	}
}

func TestTheLeastCausesBecomeOne(t *testing.T) {
	byCause := map[*cause.Cause][]uint64{}
	for i, c := range cause.All()[:10] {
		if c.Kind == cause.Drop {
			byCause[c] = []uint64{uint64(100 - i)}
		}
	}
	whole := mergeTimelines([]Capture{{Snapshot: &state.Snapshot{Timeline: state.Timeline{Begin: noon, Step: time.Second, ByCause: byCause}}}})
	last := whole.Series[len(whole.Series)-1]
	if len(whole.Series) != maxSeries+1 || last.Cause != nil || last.Total == 0 {
		t.Errorf("%d series, the last is %s with %d", len(whole.Series), last.Name(), last.Total)
	}
}

// Hosts stay apart where they are named, and add up where they are not.
func TestHostsAddUp(t *testing.T) {
	one, both := outageReport(t), fleetReport(t)
	if both.Drops != 2*one.Drops || both.Causes[0].Count != 2*one.Causes[0].Count || len(both.Sources) != 2*len(one.Sources) {
		t.Errorf("%d drops, %d of the first cause, %d sources; of one %d, %d, %d", both.Drops, both.Causes[0].Count, len(both.Sources), one.Drops, one.Causes[0].Count, len(one.Sources))
	}
	if len(both.Findings) != len(one.Findings) || len(both.Findings[0].Hosts) != 2 {
		t.Errorf("a finding of both is on %v", both.Findings[0].Hosts)
	}
	if !both.Begin.Equal(noon) || !both.End.Equal(noon.Add(6*time.Minute)) {
		t.Errorf("from %v to %v", both.Begin, both.End)
	}
	again := New(noon, "", []Capture{{File: "a", Snapshot: outage(t, "web1")}, {File: "b", Snapshot: outage(t, "web1")}})
	if again.Fleet() || len(again.Sources) != len(one.Sources) {
		t.Errorf("two captures of one host: hosts %v, %d sources", again.Hosts, len(again.Sources))
	}
	if got := again.Findings[0].Hosts; len(got) != 1 {
		t.Errorf("two captures of one host: a finding is on %v", got)
	}
	first, alone := again.Causes[0], one.Causes[0]
	if len(first.Sources) != len(alone.Sources) || first.Sources[0].Count != 2*alone.Sources[0].Count {
		t.Errorf("two captures of one host: %d sources of %s, the first with %d", len(first.Sources), first.ID, first.Sources[0].Count)
	}
	if !slices.Equal(again.Queues, one.Queues) || len(again.Reconcile) != len(one.Reconcile) || again.Reconcile[0].Kernel != 2*one.Reconcile[0].Kernel {
		t.Errorf("two captures of one host: queues %v, counters %v", again.Queues, again.Reconcile)
	}
}

// What only a newer synwatch knows is one cause, though each capture brings its own.
func TestUnknownCausesAddUp(t *testing.T) {
	var captures []Capture
	for range 2 {
		c := &cause.Cause{ID: "brand-new", Kind: cause.Drop}
		captures = append(captures, Capture{Snapshot: &state.Snapshot{
			Causes:   []state.Cause{{Cause: c, Count: 3, Sources: []state.Source{{Src: netip.MustParseAddr("10.9.0.1"), Count: 3}}}},
			Timeline: state.Timeline{Begin: noon, Step: time.Second, ByCause: map[*cause.Cause][]uint64{c: {3}}},
		}})
	}
	r := New(noon, "", captures)
	if len(r.Causes) != 1 || r.Causes[0].Count != 6 || len(r.Timeline.Series) != 1 || len(r.Sources) != 1 || len(r.Sources[0].ByCause) != 1 {
		t.Errorf("%d causes, %d series, %d sources: %+v", len(r.Causes), len(r.Timeline.Series), len(r.Sources), r.Causes)
	}
}

// What to do first in a fleet is where most drops are, not what the first capture has.
func TestFindingsOfAFleetAreInTheOrderOfTheirDrops(t *testing.T) {
	of := func(host string, count uint64) Capture {
		s := outage(t, host)
		s.Causes[0].Count, s.Findings[0].Title = count, "busy on "+host
		return Capture{File: host, Snapshot: s}
	}
	r := New(noon, "", []Capture{of("quiet", 12), of("loud", 5000)})
	if got := r.Findings[0].Hosts; !slices.Equal(got, []string{"loud"}) {
		t.Errorf("the first finding is on %v", got)
	}
	if got := r.doFirst(); !strings.HasPrefix(got, "busy on loud, on loud; ") {
		t.Errorf("to do first: %s", got)
	}
}

func TestLimitOfHalfOpenRequests(t *testing.T) {
	for _, test := range []struct {
		listener event.Listener
		want     uint32
		limit    string
	}{
		{event.Listener{SynQueue: 5, AcceptQueueMax: 4, MaxSynBacklog: 1024, Somaxconn: 4096}, 4, "listen backlog"},
		{event.Listener{SynQueue: 97, AcceptQueueMax: 4096, MaxSynBacklog: 128, Somaxconn: 4096}, 128, "net.ipv4.tcp_max_syn_backlog"},
		{event.Listener{SynQueue: 300, AcceptQueueMax: 4096, MaxSynBacklog: 128, Somaxconn: 4096}, 4096, "net.core.somaxconn"},
	} {
		c := lookup(t, "syn-queue-full")
		s := &state.Snapshot{Places: []state.Place{{Key: state.Key{Cause: c, Port: 443}, Count: 1, Evidence: &event.Evidence{Listener: &test.listener}}}}
		queues := New(noon, "", []Capture{{Snapshot: s}}).Queues
		at := slices.IndexFunc(queues, func(q Queue) bool { return q.What == "half-open" })
		if at < 0 || queues[at].Max != test.want || queues[at].Limit != test.limit {
			t.Errorf("%+v: got %+v, want %d, %s", test.listener, queues, test.want, test.limit)
		}
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		group(0): "0", group(999): "999", group(1234567): "1,234,567", counted(1, "entry"): "1 entry", counted(uint64(4113), "drop"): "4,113 drops",
		share(1, 1000): "<1 %", share(999, 1000): ">99 %", share(0, 0): "0 %", share(1, 2): "50 %",
		rate(0): "0", rate(0.01): "<0.1", rate(3): "3", rate(2.54): "2.5", rate(12345.6): "12,346",
		span(noon, noon.Add(time.Hour)):   "2026-03-01 12:00:00 to 13:00:00 UTC",
		span(noon, noon.AddDate(0, 0, 1)): "2026-03-01 12:00:00 to 2026-03-02 12:00:00 UTC",
		clean("a\x1bb", 80):               `a\x1bb`, clean("äöü", 3): "ä…", lineNumbers(Skipped{Count: 3, Lines: []string{"4", "7 of part 2"}}): "4, 7 of part 2 and 1 more",
		fileWord(capture.Stdin): "standard input", fileWord("-, run 2"): "standard input, run 2", fileWord("-x\x1b"): `-x\x1b`,
		hostsWords([]string{"a", "b", "c", "d"}): "a, b, c and 1 more",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for least, want := range map[float64]float64{0: 1, 0.3: 0.4, 5: 6, 196: 200, 1001: 1200, 1300: 1600, 1700: 2000} {
		if got := niceTop(least); got != want {
			t.Errorf("the scale of %v ends at %v, want %v", least, got, want)
		}
	}
	for r, want := range map[float64]string{0: "0", 0.25: "0.25", 500: "500", 1500: "1,500", 9000: "9,000", 12000: "12k", 1.6e6: "1.6M"} {
		if got := rateLabel(r); got != want {
			t.Errorf("the rate %v is written %s, want %s", r, got, want)
		}
	}
}
