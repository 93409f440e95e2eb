// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"net/netip"
	"slices"
	"testing"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/provoke"
)

// drop is the drops, or notices, that a record reports.
func (r record) drop() provoke.Drop {
	d := provoke.Drop{
		Cause: r.Cause, Stage: r.Stage, Reason: r.Reason, Notice: r.Type == "notice",
		Direction: cmp.Or(r.Direction, "no direction"), Proto: r.proto(),
		Src: r.Src, Dst: netip.AddrPortFrom(r.Dst, r.DstPort), Target: r.Target.Netns, Count: r.Count,
	}
	if r.OrigDst.IsValid() {
		d.OrigDst = netip.AddrPortFrom(r.OrigDst, r.OrigDstPort)
	}
	return d
}

// proto is the record's protocol. One that nobody knows is no protocol of a
// provocation.
func (r record) proto() event.Proto {
	const nobodys = 255
	p, err := event.ParseProto(r.Proto)
	if err != nil {
		return nobodys
	}
	return p
}

// checkCounts demands that exactly what was provoked is reported.
func checkCounts(t *testing.T, got []record, want []provoke.Drop) {
	t.Helper()
	reported := provoke.Tally{}
	for _, r := range got {
		reported.Add(r.drop())
	}
	for _, d := range provoke.Compare(provoke.TallyOf(want), reported.WithTargetsOf(want)) {
		t.Error(d)
	}
	if t.Failed() {
		for _, r := range got {
			t.Logf("%v", r)
		}
	}
}

// strays also counts the kernel's own reports of multicast groups that come through a
// device before its route for multicast is there. They are attributed as all else.
const strays = "Ip6InNoRoutes"

// checkCounters demands that the kernel's counters moved as provoked, and that
// as much was attributed.
func checkCounters(t *testing.T, summary record, netns uint32, want map[string]uint64) {
	t.Helper()
	kernel, attributed := map[string]uint64{}, map[string]uint64{}
	for _, row := range summary.Reconcile {
		if row.Netns == netns {
			kernel[row.Counter], attributed[row.Counter] = row.Kernel, row.Attributed
		}
	}
	want = attributable(want)
	if n := kernel[strays]; n > want[strays] && n == attributed[strays] {
		want[strays] = n
	}
	for what, got := range map[string]map[string]uint64{"counted": kernel, "attributed": attributed} {
		for _, d := range provoke.Compare(want, attributable(got)) {
			t.Errorf("%s: %d provoked, %d %s", d.Key, d.Provoked, d.Reported, what)
		}
	}
}

// attributable leaves out counters that no provocation moves, and those that do not
// move by one for each packet.
func attributable(counters map[string]uint64) map[string]uint64 {
	left := map[string]uint64{}
	for name, n := range counters {
		if slices.Contains(provoke.Reconciled, name) && slices.Contains(cause.Counters(), name) {
			left[name] = n
		}
	}
	return left
}
