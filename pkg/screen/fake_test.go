// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"net/netip"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/filter"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/survey"
)

// fakeRun is a backend with a snapshot of its own.
type fakeRun struct {
	now      time.Time
	snapshot *state.Snapshot
	records  []stream.Record
	played   played

	unsteerable error

	matcher  Matcher
	steered  []steering
	captures int
	asked    question
}

func (f *fakeRun) look(q question) look {
	f.asked = q
	l := look{question: q, now: f.now, snapshot: f.snapshot, played: f.played}
	for _, r := range f.records {
		if q.wants(&r) {
			l.records = append(l.records, r)
		}
	}
	return l
}
func (f *fakeRun) filter(m Matcher) { f.matcher = m }
func (f *fakeRun) steer(s steering) error {
	f.steered = append(f.steered, s)
	return f.unsteerable
}
func (f *fakeRun) capture() (written, error) {
	f.captures++
	return written{file: "synwatch-test.ndjson", records: 7}, nil
}

func parse(words string) (Matcher, error) {
	f, err := filter.Parse(words)
	if err != nil {
		return nil, err
	}
	return f.Match, nil
}

func lookupCause(t testing.TB, id string) *cause.Cause {
	t.Helper()
	c, ok := cause.Lookup(id)
	if !ok {
		t.Fatalf("no cause %s", id)
	}
	return c
}

// newFake is a machine in an outage: an application that does not accept, a firewall, an
// almost full table.
func newFake(t testing.TB) *fakeRun {
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f := &fakeRun{now: begin.Add(83 * time.Second), played: played{speed: 1}}
	full, rule, chatty, cookies := lookupCause(t, "accept-queue-full"), lookupCause(t, "netfilter-drop"), lookupCause(t, "no-listener"), lookupCause(t, "syn-cookie-sent")
	rising := make([]uint64, 60)
	for i := range rising {
		rising[i] = uint64(i * i / 30)
	}
	own := netns.ID{Inode: 4026531840}
	nginx := enrich.Answer{Listener: &enrich.Listener{Port: 443, Process: proc.Process{PID: 812, Comm: "nginx", Unit: "nginx.service"}}}
	queue := &event.Evidence{Listener: &event.Listener{AcceptQueue: 129, AcceptQueueMax: 128, SynQueue: 3, MaxSynBacklog: 4096, Somaxconn: 4096}}
	source := func(a string, n uint64) state.Source {
		return state.Source{Src: netip.MustParseAddr(a), Count: n, Last: f.now}
	}
	f.snapshot = &state.Snapshot{
		Start: stream.Start{Time: begin, Machine: survey.Machine{Name: "web-1", Kernel: "6.12.107+deb13-cloud-amd64", Netns: own.Inode}},
		Time:  f.now, Duration: f.now.Sub(begin), Drops: 4113 + 212 + 3, Notices: 40,
		Losses: event.Losses{Lost: 0, Unattributed: 17},
		Rate:   state.Rate{Second: 118, Minute: 69, Run: 52}, Recent: rising,
		Causes: []state.Cause{
			{Cause: full, Count: 4113, Rate: state.Rate{Second: 116, Minute: 66}, Recent: rising, NumSources: 12, Range: &stream.RangeTotal{Prefix: netip.MustParsePrefix("10.9.0.0/24"), Count: 3900, NumSources: 9},
				Sources: []state.Source{source("10.9.0.5", 3000), source("10.9.0.6", 700), source("2001:db8:1234:5678:9abc:def0:1234:5678", 212), source("192.0.2.200", 1)}},
			{Cause: rule, Count: 212, Rate: state.Rate{Second: 2, Minute: 3}, Recent: rising[:20], NumSources: 1, Sources: []state.Source{source("198.51.100.7", 212)}},
			{Cause: chatty, Count: 3, Rate: state.Rate{Minute: 0.05}, NumSources: 2, Sources: []state.Source{source("10.9.0.5", 2), source("10.9.0.9", 1)}},
			{Cause: cookies, Count: 40, NumSources: 1, Sources: []state.Source{source("10.9.0.5", 40)}},
		},
		Places: []state.Place{
			{Key: state.Key{Cause: full, Netns: own, Direction: event.In, Proto: event.TCP, Port: 443}, Count: 4113, Answer: nginx, Evidence: queue},
			{Key: state.Key{Cause: rule, Netns: own, Direction: event.Forward, Proto: event.TCP, Dst: netip.MustParseAddr("172.17.0.3"), Port: 8080}, Count: 212,
				Answer: enrich.Answer{Target: &enrich.Target{Netns: netns.ID{Inode: 4026532100}, Container: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}}},
			{Key: state.Key{Cause: chatty, Netns: own, Direction: event.In, Proto: event.TCP, Dst: netip.MustParseAddr("2001:db8::1"), Port: 25}, Count: 3},
		},
		Queues: []stream.Queue{{Netns: own, Listen: netip.MustParseAddrPort("0.0.0.0:443"), Accept: 129, AcceptMax: 128, Limit: "listen backlog"}},
		Tables: []stream.Table{{Netns: own, Count: 64225, Max: 65536}},
		Findings: []diagnose.Finding{{
			ID: "accept-queue-full", Severity: diagnose.Critical, Cause: "accept-queue-full",
			Title:   "nginx[812] on port 443 does not accept its connections: 129 wait in a queue of 128",
			Means:   "Clients get no answer to their SYN and try again after 1, 3 and 7 seconds.",
			Changes: []diagnose.Change{{Do: "let nginx listen with a backlog of 4096 (listen 443 backlog=4096)", Why: "somaxconn allows it"}},
		}},
	}
	for i := range 30 {
		at := f.now.Add(-time.Duration(i) * 137 * time.Millisecond)
		f.records = append(f.records, stream.Record{Cause: full, Stage: "syn", Answer: nginx, Event: event.Event{
			Time: at, Hook: event.HookConnRequest, Direction: event.In, Proto: event.TCP, Count: uint64(i%3 + 1), Netns: own, Evidence: queue,
			Src: netip.AddrPortFrom(netip.MustParseAddr("10.9.0.5"), uint16(20000+i)), Dst: netip.MustParseAddrPort("10.0.0.1:443"),
		}})
	}
	f.records = append(f.records, stream.Record{Cause: rule, Event: event.Event{
		Time: f.now.Add(-10 * time.Second), Direction: event.Forward, Proto: event.TCP, Count: 212, Netns: own,
		Src: netip.MustParseAddrPort("198.51.100.7:5000"), Dst: netip.MustParseAddrPort("172.17.0.3:8080"),
	}, Answer: enrich.Answer{Conntrack: &conntrack.Usage{Count: 64225, Max: 65536}}})
	return f
}
