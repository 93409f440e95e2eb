// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/flood"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/provoke"
)

// TestFloodSYNs floods a full accept queue, a closed port and a rule with SYNs from many
// sources, on all CPUs at once and in lists of 64, while tasks free packets with softirqs
// on: no SYN may be taken for another.
func TestFloodSYNs(t *testing.T) {
	f := newFloods(t)
	mix := flood.Mix{Sources: 1000}
	f.add("accept-queue", func(to netip.AddrPort) (sender, error) { return f.lab.NewPerCPUSender(to, mix) })
	f.addMixed(mix)
	s := startTrace(t, f.only()...)
	if shown, why := stressShown(s); !shown {
		s.stop()
		needs.Hooks(t, shown, why)
	}
	dropInTask(t, f.lab.CPUs())
	f.mustSend(natively[uint64](100_000, 10_000))
	records, summary := s.stop()
	f.checkExact(sumRecords(records, summary))
}

// TestFloodSYNsOfANIC has packets that are dropped for several causes come through NAPI
// and GRO, as from a NIC: the server's device has a queue for that.
func TestFloodSYNsOfANIC(t *testing.T) {
	f := newFloods(t)
	if !needs.InVM() {
		f.pollInThread()
	}
	s := startTrace(t, f.only()...)
	awaitModules(t, s)
	if shown, why := stressShown(s); !shown {
		s.stop()
		needs.Hooks(t, shown, why)
	}
	wants, err := provoke.Stress(t.Context(), natively(5*time.Second, 10*time.Second), f.lab.Lab)
	if err != nil {
		t.Fatal(err)
	}
	records, summary := s.stop()
	records, shown := asShown(s.coverage(), records, wants[0].Drops)
	checkCounts(t, records, shown)
	checkCounters(t, summary, f.lab.Netns(), wants[0].Counters)
	t.Logf("%d drops", total(wants[0].Drops))
}

// TestFloodSYNLists has SYNs that a full queue drops, SYNs that are refused for want of a
// route back, SYNs to a closed port and SYNs that a listener answers come in turn, in the
// same lists of 64, on all CPUs: each counts for its own source and cause, and the
// answered ones for none.
func TestFloodSYNLists(t *testing.T) {
	f := newFloods(t)
	full, err := flood.AcceptQueue.Prepare(f.lab)
	skipIfCannot(t, err)
	server, err := f.lab.NewServer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close(); full.Close() })
	open, closed := netip.AddrPortFrom(full.Addr.Addr(), server.Port()), netip.AddrPortFrom(full.Addr.Addr(), 9)
	from := netip.MustParseAddrPort
	answered := flood.SYN{From: from("10.0.0.2:2000"), To: open}
	syns := []flood.SYN{
		{From: from("172.16.0.1:1001"), To: full.Addr}, answered, {From: from("172.16.0.2:1002"), To: open},
		answered, {From: from("172.16.0.3:1003"), To: closed}, {From: from("172.16.0.4:1004"), To: full.Addr},
		answered, {From: from("172.16.0.5:1005"), To: full.Addr},
	}
	causes := map[netip.AddrPort]provoke.Drop{
		full.Addr: {Cause: "accept-queue-full", Stage: "syn"}, open: {Cause: "syn-refused"}, closed: {Cause: "no-listener"},
	}
	r, err := f.lab.NewReplay(syns)
	skipIfCannot(t, err)
	s := startTrace(t, f.only()...)
	if shown, why := stressShown(s); !shown {
		s.stop()
		needs.Hooks(t, shown, why)
	}
	skipIfCannot(t, r.Send(t.Context(), natively[uint64](200_000, 10_000)))
	records, summary := s.stop()
	sent, err := r.Counts()
	if err != nil {
		t.Fatal(err)
	}
	var want []provoke.Drop
	for syn, n := range sent {
		if syn != answered {
			d := causes[syn.To]
			d.Src, d.Dst, d.Count = syn.From.Addr(), syn.To, n
			want = append(want, d)
		}
	}
	// Once more the same SYN, for a request that is known already: not all kernels show
	// that it is.
	records = slices.DeleteFunc(records, func(r record) bool { return r.Src == answered.From.Addr() && r.Cause == "other" })
	checkCounts(t, records, want)
	if summary.Lost != 0 || summary.Unattributed != 0 {
		t.Errorf("lost %d, unattributed %d", summary.Lost, summary.Unattributed)
	}
	t.Logf("%d drops", total(want))
}
