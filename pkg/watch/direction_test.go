// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
)

// addresses has those of some namespaces.
type addresses map[netns.ID][]string

func (a addresses) Local(id netns.ID, ip netip.Addr) (local, known, later bool) {
	own, known := a[id]
	for _, s := range own {
		local = local || s == ip.String()
	}
	return local, known, false
}

// lateAddresses are known after so many questions.
type lateAddresses struct {
	addresses
	asked, after int
}

func (a *lateAddresses) Local(id netns.ID, ip netip.Addr) (local, known, later bool) {
	if a.asked++; a.asked <= a.after {
		return false, false, true
	}
	return a.addresses.Local(id, ip)
}

// An event waits for its direction, for a while.
func TestDirectionIsKnownLater(t *testing.T) {
	for after, want := range map[int]event.Direction{1: event.In, 2: event.In, 1 << 30: ""} {
		late := &lateAddresses{addresses: addresses{homeID: {"10.0.0.1"}}, after: after}
		f := newFake(step{events: []event.Event{towards(event.Unrouted, "10.9.0.1", "10.0.0.1")}}, step{after: time.Second}, step{after: undirectedFor})
		b := run(t, f, func(c *Config) { c.Addresses = late })
		if len(b.records) != 1 || b.records[0].Direction != want || b.summary.Drops != 1 {
			t.Errorf("after %d: %+v, want %q", after, b.records, want)
		}
	}
	// At the end of a run.
	late := &lateAddresses{addresses: addresses{homeID: {"10.0.0.1"}}, after: 2}
	b := run(t, newFake(step{events: []event.Event{towards(event.Unrouted, "10.9.0.1", "10.0.0.1")}}), func(c *Config) { c.Addresses = late })
	if len(b.records) != 1 || b.records[0].Direction != event.In {
		t.Errorf("at the end: %+v", b.records)
	}
}

// towards is a drop on its way from one address to another.
func towards(d event.Direction, src, dst string) event.Event {
	e := drop(src+":1", 1)
	e.Direction, e.Dst = d, netip.AddrPortFrom(netip.MustParseAddr(dst), 443)
	return e
}

func TestDirectionsByAddress(t *testing.T) {
	const here, there, client = "10.0.0.1", "10.8.0.2", "10.9.0.5"
	unknown := towards(event.Unrouted, client, here)
	unknown.Netns = secondID
	for name, test := range map[string]struct {
		event event.Event
		want  event.Direction
	}{
		"to us":                    {towards(event.Unrouted, client, here), event.In},
		"to another host":          {towards(event.Unrouted, client, there), event.Forward},
		"an unknown namespace":     {unknown, ""},
		"our entry":                {towards(event.Untold, here, there), event.Out},
		"a client's entry":         {towards(event.Untold, client, here), event.In},
		"an entry on its way":      {towards(event.Untold, client, there), event.Forward},
		"to all of the link":       {towards(event.Forward, client, "224.0.0.22"), event.In},
		"to a group elsewhere":     {towards(event.Forward, client, "239.1.1.1"), event.Forward},
		"what the source knows":    {towards(event.Out, client, here), event.Out},
		"what the source knows, 2": {towards(event.In, client, there), event.In},
	} {
		b := run(t, newFake(step{events: []event.Event{test.event}}), func(c *Config) { c.Addresses = addresses{homeID: {here}} })
		if len(b.records) != 1 || b.records[0].Direction != test.want {
			t.Errorf("%s: %+v, want %q", name, b.records, test.want)
		}
		if got := b.summary.Causes[0].ByDirection[test.want]; got != 1 {
			t.Errorf("%s: %v of %q", name, b.summary.Causes[0].ByDirection, test.want)
		}
	}
	b := run(t, newFake(step{events: []event.Event{towards(event.Unrouted, client, here)}}), nil)
	if len(b.records) != 1 || b.records[0].Direction != "" {
		t.Errorf("without addresses: %+v", b.records)
	}
	lost := event.Event{Hook: event.HookFree, Facts: event.NoSocket, Count: 1, Netns: homeID, Direction: event.Unrouted}
	b = run(t, newFake(step{events: []event.Event{lost}}), func(c *Config) { c.Addresses = addresses{homeID: {here}} })
	if len(b.records) != 1 || b.records[0].Direction != "" {
		t.Errorf("without a destination: %+v", b.records)
	}
}

// The same packets but for their direction, or protocol, have records of their own.
func TestDirectionsAndProtocolsAreNotJoined(t *testing.T) {
	var events []event.Event
	for range 2 {
		for _, d := range []event.Direction{event.In, event.Forward, event.Out} {
			for _, p := range []event.Proto{event.TCP, udp} {
				e := tracked(p)
				e.Direction = d
				events = append(events, e)
			}
		}
	}
	b := run(t, newFake(step{events: events}), nil)
	got := map[string]uint64{}
	for _, r := range b.records {
		got[fmt.Sprint(r.Direction, " ", r.Proto)] += r.Count
	}
	want := map[string]uint64{"in tcp": 2, "in udp": 2, "forward tcp": 2, "forward udp": 2, "out tcp": 2, "out udp": 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c := b.summary.Causes[0]
	if diff := cmp.Diff(map[event.Proto]uint64{event.TCP: 6, udp: 6}, c.ByProto); diff != "" {
		t.Errorf("by protocol (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[event.Direction]uint64{event.In: 4, event.Forward: 4, event.Out: 4}, c.ByDirection); diff != "" {
		t.Errorf("by direction (-want +got):\n%s", diff)
	}
}

func TestDirectionIsAFilter(t *testing.T) {
	events := []event.Event{
		elsewhere(towards(event.Unrouted, "10.9.0.1", "10.0.0.1")), // which nobody knows
		towards(event.In, "10.9.0.2", "10.0.0.1"), towards(event.Unrouted, "10.9.0.3", "10.8.0.2"), towards(event.Out, "10.0.0.1", "10.9.0.4"),
	}
	for i := range events {
		events[i].Facts = event.ConntrackFull
	}
	for want, directions := range map[string][]event.Direction{
		"[10.9.0.2 10.9.0.3 10.0.0.1 10.9.0.1]": nil, // the last one has waited for its namespace
		"[10.9.0.3]":                            {event.Forward},
		"[10.9.0.2 10.0.0.1]":                   {event.In, event.Out},
	} {
		f := newFake(step{count: map[string]uint64{"Conntrackdrop": 3}, other: map[string]uint64{"Conntrackdrop": 1}, events: events}, step{after: time.Second})
		b := run(t, f, func(c *Config) {
			c.Directions, c.Addresses = directions, addresses{homeID: {"10.0.0.1"}}
		})
		var got []string
		for _, r := range b.records {
			got = append(got, r.Src.Addr().String())
		}
		if fmt.Sprint(got) != want || b.summary.Drops != uint64(len(got)) {
			t.Errorf("%v: %v and %d drops, want %s", directions, got, b.summary.Drops, want)
		}
		for _, r := range b.summary.Reconcile {
			if r.Kernel != r.Attributed {
				t.Errorf("%v: %+v", directions, r)
			}
		}
	}
}
