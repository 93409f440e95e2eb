// SPDX-License-Identifier: Apache-2.0

package state

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/stream"
)

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func lookup(t testing.TB, id string) *cause.Cause {
	t.Helper()
	c, ok := cause.Lookup(id)
	if !ok {
		t.Fatalf("no cause %s", id)
	}
	return c
}

// at is a record of one TCP packet to this host.
func at(c *cause.Cause, after time.Duration, src string) stream.Record {
	return stream.Record{Cause: c, Event: event.Event{
		Time: began.Add(after), Count: 1, Direction: event.In, Proto: event.TCP,
		Src: netip.AddrPortFrom(netip.MustParseAddr(src), 4000), Dst: netip.MustParseAddrPort("10.0.0.1:443"),
		Netns: netns.ID{Inode: 7, Cookie: 1},
	}}
}

func address(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

func running(t *testing.T, records ...stream.Record) *State {
	t.Helper()
	s := New()
	if err := s.Start(stream.Start{Time: began, Version: "1"}); err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := s.Record(r); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestRecordsAddUp(t *testing.T) {
	full, notice := lookup(t, "accept-queue-full"), lookup(t, "syn-cookie-sent")
	first, second := at(full, time.Second, "10.9.0.5"), at(full, 2*time.Second, "10.9.0.6")
	first.Stage, second.Stage, second.Count, second.Merged = "syn", "ack", 5, 3
	second.Dst = netip.MustParseAddrPort("10.0.0.2:443") // the same listener
	nobody := at(full, 3*time.Second, "10.9.0.6")
	nobody.Src, nobody.Stage = netip.AddrPort{}, "syn"
	s := running(t, first, second, nobody, at(notice, 4*time.Second, "10.9.0.7"))
	got := s.Snapshot(began.Add(10 * time.Second))
	if got.Drops != 7 || got.Notices != 1 || got.Merged != 3 || got.Duration != 10*time.Second || got.Start.Version != "1" {
		t.Errorf("got %d drops, %d notices, %d merged in %v of %q", got.Drops, got.Notices, got.Merged, got.Duration, got.Start.Version)
	}
	if len(got.Causes) != 2 || got.Causes[1].Cause != notice {
		t.Fatalf("got causes %v", got.Causes)
	}
	c := got.Causes[0]
	c.Recent, c.Rate = nil, Rate{}
	want := Cause{
		Cause: full, Count: 7, ByStage: map[string]uint64{"syn": 2, "ack": 5}, ByDirection: map[event.Direction]uint64{event.In: 7},
		ByProto:    map[event.Proto]uint64{event.TCP: 7},
		Sources:    []Source{{second.Src.Addr(), 5, second.Time}, {first.Src.Addr(), 1, first.Time}},
		NumSources: 2, Others: 1, First: first.Time, Last: nobody.Time,
	}
	if diff := cmp.Diff(want, c, cmp.Comparer(func(a, b *cause.Cause) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	if len(got.Places) != 2 || got.Places[0].Count != 7 || got.Places[0].Port != 443 || got.Places[0].Dst.IsValid() {
		t.Errorf("got places %+v", got.Places)
	}
}

func TestAPlaceIsWhatItsNewestRecordsSay(t *testing.T) {
	full := lookup(t, "accept-queue-full")
	named, bare := at(full, 0, "10.9.0.5"), at(full, time.Second, "10.9.0.5")
	named.NetnsName, named.Interface = "web", "eth0"
	named.Evidence = &event.Evidence{Listener: &event.Listener{AcceptQueue: 129}}
	bare.Reason, bare.Location, bare.Stage = "NO_SOCKET", "tcp_v4_rcv", "syn" // the reason says it
	bare.Listener = &enrich.Listener{Port: 443}
	p := running(t, named, bare).Snapshot(began).Places[0]
	if p.NetnsName != "web" || p.Interface != "eth0" || p.Evidence.Listener.AcceptQueue != 129 || p.Listener.Port != 443 ||
		p.Reason != "NO_SOCKET" || p.Location != "" || p.Stage != "syn" || !p.Last.Equal(bare.Time) {
		t.Errorf("got %+v", p)
	}
	away := at(full, 0, "10.9.0.5")
	away.Direction = event.Forward
	if p := running(t, away).Snapshot(began).Places[0]; p.Dst != away.Dst.Addr() {
		t.Errorf("what is forwarded goes to %v", p.Dst)
	}
}

func TestRates(t *testing.T) {
	full := lookup(t, "accept-queue-full")
	var records []stream.Record
	for i := range 90 {
		r := at(full, time.Duration(i)*time.Second, "10.9.0.5")
		r.Count = uint64(i)
		records = append(records, r)
	}
	s := running(t, records...)
	got := s.Snapshot(time.Time{})
	if got.Rate.Second != 89 || got.Rate.Minute != (30+89)/2. || got.Rate.Run != 45 || got.Causes[0].Rate != got.Rate {
		t.Errorf("got %+v, of the cause %+v", got.Rate, got.Causes[0].Rate)
	}
	if n := len(got.Recent); n != 60 || got.Recent[0] != 30 || got.Recent[n-1] != 89 {
		t.Errorf("the last seconds have %v", got.Recent)
	}
	later := s.Snapshot(began.Add(2 * time.Minute))
	if later.Rate.Second != 0 || later.Rate.Minute != float64(61+89)/2*29/60 || later.Recent[0] != 61 || later.Recent[29] != 0 {
		t.Errorf("later got %+v and %v", later.Rate, later.Recent)
	}
	if much := s.Snapshot(began.Add(time.Hour)); much.Rate.Minute != 0 || slices.Max(much.Recent) != 0 {
		t.Errorf("after an hour got %+v", much.Rate)
	}
}

// What comes late, as records do that were joined, is counted in the second that it was
// in, and what comes too late for that in the totals only.
func TestRecordsOutOfOrder(t *testing.T) {
	full := lookup(t, "accept-queue-full")
	got := running(t, at(full, 2*time.Minute, "10.9.0.5"), at(full, 2*time.Minute-time.Second, "10.9.0.5"),
		at(full, time.Second, "10.9.0.5"), at(full, -time.Second, "10.9.0.5"), at(full, -60*365*24*time.Hour, "10.9.0.5")).Snapshot(time.Time{})
	c := got.Causes[0]
	if c.Count != 5 || c.Recent[59] != 1 || c.Recent[58] != 1 || c.Rate.Minute != 2/60. || !c.Last.Equal(began.Add(2*time.Minute)) {
		t.Errorf("got %d, %+v and %v until %v", c.Count, c.Rate, c.Recent, c.Last)
	}
	if line := got.Timeline.ByCause[full]; line[0] != 2 || line[1] != 1 || line[120] != 1 {
		t.Errorf("over time: %v", line)
	}
}

func TestTheTimelinesStepsGrow(t *testing.T) {
	full, other := lookup(t, "accept-queue-full"), lookup(t, "no-listener")
	for _, span := range []time.Duration{0, 511 * time.Second, 512 * time.Second, time.Hour, 400 * 24 * time.Hour} {
		s := running(t, at(other, 0, "10.9.0.5"))
		const n = 3000
		for i := range n {
			if err := s.Record(at(full, span*time.Duration(i)/n, "10.9.0.5")); err != nil {
				t.Fatal(err)
			}
		}
		for _, quiet := range []time.Duration{0, 10 * span} {
			got := s.Snapshot(began.Add(span + quiet))
			line := got.Timeline.ByCause[full]
			var sum uint64
			for _, n := range line {
				sum += n
			}
			if steps := len(line); sum != n || steps > maxSteps || time.Duration(steps)*got.Timeline.Step <= span+quiet ||
				len(got.Timeline.ByCause[other]) != steps || !got.Timeline.Begin.Equal(began) {
				t.Errorf("%v and %v: %d drops in %d steps of %v", span, quiet, sum, steps, got.Timeline.Step)
			}
		}
	}
}

func TestItIsBounded(t *testing.T) {
	full := lookup(t, "accept-queue-full")
	s := running(t)
	const n = maxSources + 5000
	for i := range n {
		r := at(full, time.Second, "::1")
		r.Src = netip.AddrPortFrom(address(i), 1)
		r.Dst = netip.AddrPortFrom(r.Dst.Addr(), uint16(i))
		r.Stage = fmt.Sprint(i)
		if err := s.Record(r); err != nil {
			t.Fatal(err)
		}
	}
	got := s.Snapshot(time.Time{})
	c := got.Causes[0]
	if c.Count != n || c.NumSources != maxSources || c.Others != n-maxSources || len(c.Sources) != MaxTop || len(c.ByStage) > maxStages+1 {
		t.Errorf("got %d of %d sources and %d others, %d at the top, %d stages", c.Count, c.NumSources, c.Others, len(c.Sources), len(c.ByStage))
	}
	if len(s.places) > maxPlaces || len(got.Places) != MaxTop {
		t.Errorf("%d places, of which %d are shown", len(s.places), len(got.Places))
	}
	if all := s.Newest(2*MaxNewest, nil); len(all) != MaxNewest || all[0].Src.Addr() != address(n-1) || all[MaxNewest-1].Src.Addr() != address(n-MaxNewest) {
		t.Errorf("%d records are kept", len(all))
	}
}

func TestForgottenPlacesAreTheLeast(t *testing.T) {
	full := lookup(t, "accept-queue-full")
	s := running(t)
	for i := range maxPlaces + 1 {
		r := at(full, 0, "10.9.0.5")
		r.Dst = netip.AddrPortFrom(r.Dst.Addr(), uint16(i))
		r.Count = uint64(i + 1)
		if err := s.Record(r); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Snapshot(began).Places; len(s.places) != maxPlaces/2+1 || got[0].Port != maxPlaces || got[99].Port != maxPlaces-99 {
		t.Errorf("%d places are left, the first of which is %d", len(s.places), got[0].Port)
	}
}

func TestNewest(t *testing.T) {
	full := lookup(t, "accept-queue-full")
	s := running(t, at(full, 0, "10.9.0.1"), at(full, 1, "10.9.0.2"), at(full, 2, "10.9.0.1"))
	from1 := func(r *stream.Record) bool { return r.Src.Addr() == netip.MustParseAddr("10.9.0.1") }
	if got := s.Newest(5, from1); len(got) != 2 || !got[0].Time.Equal(began.Add(2)) {
		t.Errorf("got %v", got)
	}
	if got := s.Newest(1, nil); len(got) != 1 || !got[0].Time.Equal(began.Add(2)) {
		t.Errorf("got %v", got)
	}
}

func TestSamplesJoinByKey(t *testing.T) {
	s := running(t)
	queue := func(port uint16, waiting uint32) stream.Queue {
		return stream.Queue{Listen: netip.AddrPortFrom(netip.IPv4Unspecified(), port), Accept: waiting}
	}
	for _, sample := range []stream.Sample{
		{
			Time: began.Add(time.Second), Losses: event.Losses{Lost: 1}, Merged: 2, Queues: []stream.Queue{queue(443, 1), queue(80, 2), queue(22, 3)},
			Tables: []stream.Table{{Netns: netns.ID{Inode: 9}, Count: 3}, {Netns: netns.ID{Inode: 8}, Count: 3}}, Reconcile: []stream.Row{{Counter: "A", Kernel: 1}, {Counter: "B", Kernel: 1}, {Counter: "C", Kernel: 1}},
			Unseen: []stream.UnseenTotal{{Count: 1}}, Findings: []diagnose.Finding{{ID: "a"}},
		},
		{
			Time: began.Add(2 * time.Second), Losses: event.Losses{Lost: 4}, Merged: 5, Queues: []stream.Queue{queue(443, 9), queue(22, 0)},
			Tables:    []stream.Table{{Netns: netns.ID{Inode: 8}}}, // gone
			Reconcile: []stream.Row{{Counter: "A", Kernel: 7}, {Counter: "C"}}, Findings: []diagnose.Finding{},
		},
	} {
		if err := s.Sample(sample); err != nil {
			t.Fatal(err)
		}
	}
	got := s.Snapshot(time.Time{})
	if got.Losses.Lost != 4 || got.Merged != 5 || !got.Time.Equal(began.Add(2*time.Second)) || len(got.Tables) != 1 || len(got.Unseen) != 1 || len(got.Findings) != 0 {
		t.Errorf("got %+v", got)
	}
	if len(got.Queues) != 2 || got.Queues[0].Accept != 2 || got.Queues[1].Accept != 9 {
		t.Errorf("got queues %+v", got.Queues)
	}
	if len(got.Reconcile) != 2 || got.Reconcile[0].Kernel != 7 {
		t.Errorf("got rows %+v", got.Reconcile)
	}
}

// A run that wrote no records, or not all, still has its totals.
func TestTheSummaryCompletes(t *testing.T) {
	full, other := lookup(t, "accept-queue-full"), lookup(t, "no-listener")
	record := at(full, time.Second, "10.9.0.5")
	s := running(t, record)
	src := netip.MustParseAddr("10.9.0.5")
	total := stream.CauseTotal{
		Cause: full, Count: 10, Sources: []stream.SourceTotal{{Src: src, Count: 8}}, NumSources: 1, Others: 2,
		ByDirection: map[event.Direction]uint64{event.In: 10}, ByProto: map[event.Proto]uint64{event.TCP: 10},
	}
	err := s.Summary(stream.Summary{
		Time: began.Add(5 * time.Second), Duration: 5 * time.Second, Drops: 12, Unshown: 11, Lost: 1,
		Causes: []stream.CauseTotal{total, {Cause: other, Count: 2}}, Reconcile: []stream.Row{{Counter: "A", Kernel: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := s.Snapshot(began.Add(time.Hour))
	if got.Drops != 12 || !got.Time.Equal(began.Add(5*time.Second)) || got.Losses.Lost != 1 || len(got.Reconcile) != 1 || got.Rate.Run != 12/5. {
		t.Errorf("got %+v", got)
	}
	c := got.Causes[0]
	if c.Count != 10 || c.Sources[0].Count != 8 || !c.Sources[0].Last.Equal(record.Time) || c.Others != 2 || c.ByDirection[event.In] != 10 || c.Rate.Run != 2 {
		t.Errorf("got %+v", c)
	}
	if c := got.Causes[1]; c.Cause != other || c.Count != 2 {
		t.Errorf("got %+v", c)
	}
}

// A snapshot shares nothing that changes.
func TestSnapshotsAreApart(t *testing.T) {
	full := lookup(t, "accept-queue-full")
	s := running(t, at(full, 0, "10.9.0.5"))
	snap := s.Snapshot(time.Time{})
	before := fmt.Sprintf("%+v", snap)
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for j := range 1000 {
				_ = s.Record(at(full, time.Duration(j)*time.Second, address(i).String()))
				if j%100 == 0 {
					s.Snapshot(time.Time{})
					s.Newest(10, nil)
				}
			}
		})
	}
	group.Wait()
	if after := fmt.Sprintf("%+v", snap); after != before {
		t.Errorf("it was %s and is %s", before, after)
	}
	if got := s.Snapshot(time.Time{}); got.Drops != 4001 {
		t.Errorf("got %d drops", got.Drops)
	}
}

// A covering range is that of the sources of all snapshots, whenever they came.
func TestRangeAfterEachSnapshot(t *testing.T) {
	full := lookup(t, "accept-queue-full")
	s := running(t)
	for i := range 2000 {
		r := at(full, 0, "::1")
		r.Src = netip.AddrPortFrom(address(i*7919%2048), 1)
		if i%5 == 0 {
			r.Src = netip.MustParseAddrPort("[2001:db8::1]:1")
		}
		if err := s.Record(r); err != nil {
			t.Fatal(err)
		}
		if i%97 != 0 {
			continue
		}
		c := s.Snapshot(began).Causes[0]
		bySource := map[netip.Addr]uint64{}
		for _, src := range s.causes[full.ID].sources {
			bySource[src.Src] = src.Count
		}
		want := diagnose.Covering(bySource, c.Count)
		if (want == nil) != (c.Range == nil) || want != nil && (want.Prefix != c.Range.Prefix || want.Count != c.Range.Count || want.Sources != c.Range.NumSources) {
			t.Fatalf("after %d: got %+v, want %+v", i, c.Range, want)
		}
	}
}
