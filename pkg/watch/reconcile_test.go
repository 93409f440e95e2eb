// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"cmp"
	"errors"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
)

func overflows(n uint64) map[string]uint64 {
	return map[string]uint64{"TcpExtListenOverflows": n, "TcpExtListenDrops": n}
}

func elsewhere(e event.Event) event.Event {
	e.Netns = secondID
	return e
}

func TestReconcileFindsNamespaceThatComesAndGoes(t *testing.T) {
	f := newFake(
		step{other: overflows(5), events: []event.Event{elsewhere(syn("10.9.0.5:1", 5))}},
		step{gone: true, after: time.Second},
		step{after: time.Second},
	)
	b := run(t, f, nil)
	if f.deep < 3 { // at the start, for the new namespace, at the end
		t.Errorf("%d deep samples", f.deep)
	}
	r := row(b.summary, second, "TcpExtListenOverflows")
	if r == nil || r.Kernel != 5 || r.Attributed != 5 || r.NetnsName != "blue" || !strings.Contains(r.Why, "gone") {
		t.Errorf("got %+v", r)
	}
	if b.records[0].NetnsName != "blue" {
		t.Errorf("the record's namespace is named %q", b.records[0].NetnsName)
	}
}

func TestReconcileLeavesOutOtherNamespaces(t *testing.T) {
	b := run(t, newFake(step{count: overflows(3), other: overflows(5)}), func(c *Config) { c.Netns = []uint32{second} })
	if row(b.summary, home, "TcpExtListenDrops") != nil || row(b.summary, second, "TcpExtListenDrops") == nil {
		t.Errorf("got %+v", b.summary.Reconcile)
	}
}

func TestReconcileLeavesOutCountersThatTheKernelLacks(t *testing.T) {
	b := run(t, newFake(step{events: []event.Event{syn("10.9.0.5:1", 3)}}), nil) // ListenDrops is all it has
	if r := row(b.summary, home, "TcpExtListenOverflows"); r != nil {
		t.Errorf("got %+v", r)
	}
	if r := row(b.summary, home, "TcpExtListenDrops"); r == nil || r.Attributed != 3 {
		t.Errorf("got %+v", r)
	}
}

func TestReconcileTellsWhyACounterIsMissing(t *testing.T) {
	f := newFake(step{events: []event.Event{syn("10.9.0.5:1", 3)}})
	f.lacks = map[string]error{"TcpExtListenOverflows": errors.New("it takes CAP_NET_ADMIN")}
	r := row(run(t, f, nil).summary, home, "TcpExtListenOverflows")
	if r == nil || r.Kernel != 0 || r.Attributed != 3 || r.Why != "it takes CAP_NET_ADMIN" {
		t.Errorf("got %+v", r)
	}
}

func TestBlindRunTellsTotals(t *testing.T) {
	moved := map[string]uint64{"TcpExtListenOverflows": 412, "TcpExtTCPReqQFullDrop": 5, "TcpExtListenDrops": 419}
	f := newFake(step{count: moved})
	f.cov.Observable &^= event.SYNJudged
	b := run(t, f, nil)
	got := map[string]uint64{}
	for _, u := range b.summary.Unseen {
		got[u.Counter+" "+cause.JoinStages(u.Stages)] = u.Count
	}
	want := map[string]uint64{
		"TcpExtListenOverflows accept-queue-full (syn)":       412,
		"TcpExtTCPReqQFullDrop syn-queue-full":                5,
		"TcpExtListenDrops syn-backlog-reserved, syn-refused": 2,
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("unseen (-want +got):\n%s", diff)
	}
	r := row(b.summary, home, "TcpExtListenDrops")
	if want := "sees only the total of accept-queue-full (syn), syn-queue-full"; !strings.Contains(r.Why, want) {
		t.Errorf("why: %q, want %q", r.Why, want)
	}
}

func TestWhyTheCountersDiffer(t *testing.T) {
	for name, test := range map[string]struct {
		losses   event.Losses
		filtered bool
		counter  string
		want     string
	}{
		"missed":    {losses: event.Losses{Missed: 3}, want: "the kernel did not show 3 calls of hooked functions"},
		"lost":      {losses: event.Losses{Lost: 2}, want: "2 drops were lost"},
		"filtered":  {filtered: true, want: "cannot be filtered"},
		"unknown":   {want: "nothing that is known explains it"},
		"no packet": {counter: "IpOutNoRoutes", want: "sendto() and connect() of another protocol that finds no route, which makes no packet"},
		"conntrack": {counter: "Conntrackdrop", want: "nothing that is known explains it"},
	} {
		t.Run(name, func(t *testing.T) {
			counter := cmp.Or(test.counter, "TcpExtListenDrops")
			moved := overflows(9)
			moved["Conntrackdrop"], moved["IpOutNoRoutes"] = 2, 2
			f := newFake(step{count: moved, events: []event.Event{syn("10.9.0.5:1", 4)}})
			f.losses = test.losses
			b := run(t, f, func(c *Config) { c.Filtered = test.filtered })
			if r := row(b.summary, home, counter); !strings.Contains(r.Why, test.want) {
				t.Errorf("got %q, want %q", r.Why, test.want)
			}
			if b.summary.Lost != test.losses.Lost || b.summary.Unattributed != test.losses.Unattributed {
				t.Errorf("summary %+v", b.summary)
			}
		})
	}
}

// TestSYNsLeftOut: where dropped SYNs are seen by tracepoints, those that are not certain
// are what a total has more.
func TestSYNsLeftOut(t *testing.T) {
	cov := event.Coverage{Hooks: []event.HookState{{Name: "tcp_v4_conn_request", Mode: event.ModeTracepoint}}}
	r := reconciler{passes: cov.Passes()}
	for counter, want := range map[string]int{"TcpExtListenOverflows": 1, "TcpExtSyncookiesSent": 1, "TcpInCsumErrors": 0} {
		if got := r.whyMore(&stream.Row{Counter: counter, Kernel: 2, Attributed: 1}, nil); len(got) != want {
			t.Errorf("%s: %q, want %d remarks", counter, got, want)
		}
	}
}
