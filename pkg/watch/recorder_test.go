// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/stream"
)

var nginx = enrich.Answer{Listener: &enrich.Listener{Port: 443, Process: proc.Process{PID: 812, Comm: "nginx"}}}

func ask(after int) *enricher {
	return &enricher{asked: map[netip.AddrPort]int{}, after: after, answer: nginx}
}

func TestRecordsCarryTheListener(t *testing.T) {
	for after, wait := range map[int]time.Duration{
		0: 0, 3: 0, 20: 0, // at once, at the next look, at the end
		200: time.Second,
	} {
		f := newFake(step{events: []event.Event{syn("10.9.0.5:1", 1)}})
		b := run(t, f, func(c *Config) { c.Enricher, c.MaxWait, c.Duration = ask(after), wait, time.Nanosecond })
		if len(b.records) != 1 || b.records[0].Listener == nil || b.records[0].Listener.PID != 812 {
			t.Errorf("after %d: %+v", after, b.records)
		}
	}
}

func TestRecordsDoNotWaitForEver(t *testing.T) {
	d := ask(-1)
	f := newFake(step{events: []event.Event{syn("10.9.0.5:1", 3)}}, step{after: time.Hour})
	b := &kept{}
	err := runErr(t, f, b, func(c *Config) {
		c.Enricher = d
		began := time.Now()
		c.Sink = checked{b, func() {
			if waited := time.Since(began); waited < maxWait || waited > maxWait+pause {
				t.Errorf("the record came after %s", waited)
			}
		}}
	})
	if err != nil || len(b.records) != 1 || b.records[0].Listener != nil || b.records[0].Count != 3 {
		t.Errorf("%v, %+v", err, b.records)
	}
}

// checked calls a function at each record.
type checked struct {
	stream.Sink
	check func()
}

func (c checked) Record(r stream.Record) error {
	c.check()
	return c.Sink.Record(r)
}

func TestRecordsThatWaitKeepTheirOrder(t *testing.T) {
	d := ask(2)
	d.asked[netip.MustParseAddrPort("10.0.0.1:80")] = 5 // is known
	other := syn("10.9.0.6:1", 1)
	other.Dst = netip.MustParseAddrPort("10.0.0.1:80")
	b := run(t, newFake(step{events: []event.Event{syn("10.9.0.5:1", 1), other}}), func(c *Config) { c.Enricher = d })
	got := []string{}
	for _, r := range b.records {
		got = append(got, r.Dst.String()+" "+r.Listener.Comm)
	}
	if diff := cmp.Diff([]string{"10.0.0.1:443 nginx", "10.0.0.1:80 nginx"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRecordsThatWaitAreBounded(t *testing.T) {
	var events []event.Event
	for i := range maxUnanswered + 10 {
		events = append(events, syn(fmt.Sprintf("10.9.%d.%d:1", i>>8, i&255), 1))
	}
	f := newFake(step{events: events})
	b := run(t, f, func(c *Config) { c.Enricher = ask(-1) })
	if uint64(len(b.records)) != b.summary.Drops || b.summary.Drops != maxUnanswered+10 {
		t.Errorf("%d records of %d drops", len(b.records), b.summary.Drops)
	}
}

func TestQueriesFollowTheCatalogue(t *testing.T) {
	d := ask(0)
	full := drop("10.9.0.5:1", 1)
	full.Facts, full.Evidence = event.ConntrackFull, &event.Evidence{Ifindex: 3}
	b := run(t, newFake(step{events: []event.Event{full}}), func(c *Config) { c.Enricher = d })
	want := enrich.Query{Since: d.last.Since, Netns: homeID, Dst: full.Dst, Ifindex: 3, Listener: true, Conntrack: true}
	if d.last != want || len(b.records) != 1 {
		t.Errorf("asked %+v, want %+v", d.last, want)
	}
	d = ask(0)
	b = run(t, newFake(step{events: []event.Event{drop("10.9.0.5:1", 1)}}), func(c *Config) { c.Enricher = d })
	if len(d.asked) > 0 || len(b.records) != 1 || b.records[0].Listener != nil {
		t.Errorf("asked for a listener where there is none: %v", d.asked)
	}
}

// Who the packet was for depends on its way and protocol.
func TestQueriesFollowTheWay(t *testing.T) {
	process := &event.Evidence{Process: &event.Process{PID: 4711, Comm: "curl"}, OutIfindex: 4}
	for name, test := range map[string]struct {
		direction event.Direction
		proto     event.Proto
		evidence  *event.Evidence
		want      enrich.Query
	}{
		"in":          {event.In, event.TCP, nil, enrich.Query{Listener: true}},
		"in, udp":     {event.In, udp, nil, enrich.Query{}},
		"forward":     {event.Forward, event.TCP, nil, enrich.Query{Target: true, Listener: true}},
		"forward udp": {event.Forward, udp, nil, enrich.Query{Target: true}},
		"out": {event.Out, event.TCP, process, enrich.Query{
			Target: true, Listener: true, OutIfindex: 4, Sender: proc.Process{PID: 4711, Comm: "curl"},
		}},
		"unknown": {"", event.TCP, nil, enrich.Query{}},
	} {
		e := ofProto(drop("10.9.0.5:1", 1), test.proto)
		e.Facts |= event.ConntrackFull
		e.Direction, e.Evidence = test.direction, test.evidence
		d := ask(0)
		b := run(t, newFake(step{events: []event.Event{e}}), func(c *Config) { c.Enricher = d })
		want := test.want
		want.Since, want.Netns, want.Dst, want.Conntrack = d.last.Since, homeID, e.Dst, true
		if d.last != want || len(b.records) != 1 {
			t.Errorf("%s: asked %+v, want %+v", name, d.last, want)
		}
	}
}
