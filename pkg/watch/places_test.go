// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/synwatch/synwatch/pkg/stream"
)

// full is a SYN that met an accept queue of a limit.
func full(src string, n uint64, limit uint32) event.Event {
	e := syn(src, n)
	e.Evidence = &event.Evidence{Listener: &event.Listener{AcceptQueue: limit + 1, AcceptQueueMax: limit, Somaxconn: 4096}}
	return e
}

func TestSummaryEndsInFindings(t *testing.T) {
	f := newFake(
		step{after: 5 * time.Second, count: map[string]uint64{Accepted: 250}, events: []event.Event{
			full("10.9.0.1:1", 100, 511), full("10.9.0.2:1", 100, 511), full("10.9.0.3:1", 100, 511), full("10.9.0.4:1", 100, 511),
		}},
		step{after: 4 * time.Second, events: []event.Event{full("10.9.0.4:1", 100, 128), full("192.0.2.1:1", 1, 128)}},
	)
	f.counters[homeID][Accepted] = 1000
	b := run(t, f, func(c *Config) { c.Enricher = ask(0); c.Machine.Memory = 16 << 30 })
	if len(b.summary.Findings) != 1 {
		t.Fatalf("findings: %+v", b.summary.Findings)
	}
	x := b.summary.Findings[0]
	if x.ID != "traced-accept-queue-full" || x.Severity != diagnose.Critical || x.Cause != "accept-queue-full" || x.Netns != home {
		t.Errorf("%+v", x)
	}
	text := x.Title + fmt.Sprint(x.Evidence, x.Changes)
	for _, want := range []string{
		"nginx[812] on port 443 accepts more slowly", "{from 10.9.0.0/29 500 99 % of 501, 4 sources}",
		"{connections accepted meanwhile 250 25 a second", "{accept queue 129 limit 128}", "backlog of 128 binds",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if b.summary.Causes[0].Range == nil || b.summary.Causes[0].Range.Prefix.String() != "10.9.0.0/29" {
		t.Errorf("range %+v", b.summary.Causes[0].Range)
	}
}

func TestFindingsOfAStoppedApplication(t *testing.T) {
	f := newFake(step{after: 9 * time.Second, events: []event.Event{full("10.9.0.1:1", 100, 128)}})
	f.counters[homeID][Accepted] = 1000
	b := run(t, f, nil)
	if x := b.summary.Findings; len(x) != 1 || x[0].Title != "the listener on port 443 has stopped accepting" || len(x[0].Changes) != 1 {
		t.Errorf("%+v", x)
	}
}

// Others are accepted in the namespace, but nothing of this queue's.
func TestFindingsOfAQueueThatStandsStill(t *testing.T) {
	f := newFake(step{after: 9 * time.Second, count: map[string]uint64{Accepted: 250}, events: []event.Event{full("10.9.0.1:1", 100, 128)}})
	var asked netns.ID
	var port uint16
	b := run(t, f, func(c *Config) {
		c.Waiting = func(id netns.ID, p uint16) (sockets.Waiting, error) {
			asked, port = id, p
			return sockets.Waiting{Connections: 129, Newest: 8 * time.Second}, nil
		}
	})
	if x := b.summary.Findings; len(x) != 1 || x[0].Title != "the listener on port 443 has stopped accepting" || len(x[0].Changes) != 1 {
		t.Errorf("%+v", x)
	}
	if asked != homeID || port != 443 {
		t.Errorf("asked about %+v, %d", asked, port)
	}
}

// The table is looked through only where it is full; that it cannot be is said.
func TestFindingsOfAFullTable(t *testing.T) {
	tracked := drop("10.9.0.1:1", 5)
	tracked.Hook, tracked.Facts, tracked.Reason = event.HookFree, event.ConntrackFull, ""
	syn := drop("10.9.0.1:1", 5)
	syn.Facts |= event.PacketSYN
	for name, e := range map[string]event.Event{"full": tracked, "another cause": syn} {
		var asked, warned int
		b := run(t, newFake(step{events: []event.Event{e}}), func(c *Config) {
			c.Table = func(netns.ID) (*conntrack.NetnsTable, error) { asked++; return nil, conntrack.ErrNotLoaded }
			c.Warn = func(string) { warned++ }
		})
		want := map[string]int{"full": 1}[name]
		if asked != want || warned != want || len(b.summary.Findings) != want {
			t.Errorf("%s: asked %d, warned %d, %+v", name, asked, warned, b.summary.Findings)
		}
	}
}

func TestFindingsAreAboutTheBusiestPlace(t *testing.T) {
	other := full("10.9.0.1:1", 7, 64)
	other.Dst = dstPort(other.Dst, 80)
	b := run(t, newFake(step{events: []event.Event{full("10.9.0.1:1", 5, 128), other}}), nil)
	if x := b.summary.Findings; len(x) != 1 || !strings.Contains(x[0].Title, "port 80 ") {
		t.Errorf("%+v", x)
	}
}

// The place with the most is kept however many others come after it.
func TestPlacesAreBounded(t *testing.T) {
	p, c := newPlaces(), find(t, "accept-queue-full")
	e := full("10.9.0.1:1", 1, 1)
	busy := place{cause: c, netns: &namespace{}, port: 443}
	for i := range 3 * maxPlaces {
		if i%100 == 0 {
			p.count(busy, &e, "")
		}
		p.count(place{cause: c, netns: &namespace{id: netns.ID{Inode: uint32(i)}}, port: 80}, &e, "")
		if len(p.of) > maxPlaces {
			t.Fatalf("%d places", len(p.of))
		}
	}
	if at, most := p.busiest(c); at != busy || most.count != 3*maxPlaces/100+1 {
		t.Errorf("busiest is %+v with %+v", at, most)
	}
}

func dstPort(dst netip.AddrPort, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(dst.Addr(), port)
}

// What met no socket and is no SYN asks for no service.
func TestFindingsOfStraySegments(t *testing.T) {
	syn := drop("10.9.0.1:1", 5)
	syn.Facts |= event.PacketSYN
	for name, events := range map[string][]event.Event{"": {syn}, "traced-stray-segments": {syn, drop("10.9.0.1:1", 50)}} {
		got := ""
		for _, x := range run(t, newFake(step{events: events}), nil).summary.Findings {
			got += x.ID
		}
		if got != name {
			t.Errorf("got %q, want %q", got, name)
		}
	}
}

// What is forwarded has a place for each destination, and carries what is known of it.
func TestTallyOfAForwardedPlace(t *testing.T) {
	e := towards(event.Forward, "10.9.0.1", "10.88.0.2")
	e.Facts, e.Count = event.ConntrackClash|event.SourceTranslated, 3
	other := e
	other.Dst, other.Facts, other.Count, other.Proto = netip.MustParseAddrPort("10.88.0.3:443"), event.ConntrackClash|event.OtherProtocol, 2, udp
	w := &watcher{Config: Config{Now: time.Now}, places: newPlaces(), tally: newTally(10), namespaces: newNamespaces(nil, nil, time.Now())}
	w.Counters = newFake()
	c, n := find(t, "conntrack-clash"), w.namespaces.of(homeID, time.Now())
	for _, e := range []*event.Event{&e, &other} {
		w.tally.add(c, e)
		w.places.count(placeOf(c, n, e), e, "")
	}
	r := stream.Record{Event: e, Cause: c, Answer: enrich.Answer{Target: &enrich.Target{Netns: secondID, Name: "blue"}, OutInterface: "cni0"}}
	w.places.remember(placeOf(c, n, &e), &r)
	at, here := w.places.busiest(c)
	got := w.tallyOf(c, w.tally.causes[c], at, here)
	want := diagnose.Place{
		Netns: home, Inner: true, Direction: event.Forward, Proto: event.TCP, Dst: netip.MustParseAddr("10.88.0.2"), Port: 443,
		Target: &diagnose.Target{Netns: second, NetnsName: "blue"},
	}
	if diff := cmp.Diff(want, got.Busiest, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Count != 5 || got.BusiestCount != 3 || got.Translated != 3 || got.ByStage[""] != 3 || got.OutInterface != "cni0" ||
		got.ByDirection[event.Forward] != 5 || got.ByProto[udp] != 2 {
		t.Errorf("%+v", got)
	}
}
