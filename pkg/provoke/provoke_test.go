// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"errors"
	"maps"
	"os"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/needs"
)

func newLab(t *testing.T) *Lab {
	t.Helper()
	needs.Root(t)
	l, err := NewLab(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// beside runs a test beside others, as most of its time is waiting, unless it
// changes the whole machine.
func beside(t *testing.T, p Provocation) {
	if !p.Global {
		t.Parallel()
	}
}

func TestCounters(t *testing.T) {
	needs.Root(t)
	for _, p := range All() {
		for _, f := range p.Families {
			t.Run(p.Name()+"/"+f.String(), func(t *testing.T) {
				needs.Able(t, p.Missing(), ErrMissing)
				beside(t, p)
				l := newLab(t)
				moved := checkCounters(t, l, func(ctx context.Context) (Expect, error) { return p.Run(ctx, l, f) })
				also, ok := others[p.Name()]
				if !ok {
					also = others[p.Cause]
				}
				for name, want := range also {
					if moved[name] != want {
						t.Errorf("%s moved by %d, not %d", name, moved[name], want)
					}
				}
			})
		}
	}
}

// others are counters that distinguish causes which move none of Reconciled, or
// one provocation by its name.
var others = map[string]map[string]uint64{
	"netfilter-drop":               {"TcpInSegs": 0},
	"netfilter-drop/output":        {"TcpInSegs": 6, "TcpExtTCPTimeouts": 6},
	"netfilter-reject":             {"TcpInSegs": 0},
	"conntrack-invalid":            {"TcpInSegs": 0},
	"no-listener":                  {"TcpInSegs": 6, "TcpOutRsts": 6},
	"stray-ack":                    {"TcpOutRsts": 6},
	"handshake-expired":            {"TcpOutSegs": 6, "TcpRetransSegs": 0, "TcpExtTCPTimeouts": 6},
	"handshake-expired/acked":      {"TcpOutRsts": 9, "TcpExtTCPTimeouts": 12, "TcpRetransSegs": 6},
	"martian-source":               {"IpInReceives": 6, "IpInDelivers": 0},
	"reverse-path-filter":          {"IpInReceives": 6, "IpInDelivers": 0},
	"martian-source/metadata":      {"IpInReceives": 12, "IpInDelivers": 6}, // with what they came in
	"reverse-path-filter/metadata": {"IpInReceives": 12, "IpInDelivers": 6},
	"socket-filter":                {"TcpInSegs": 6, "TcpOutSegs": 0},
	"neighbour-unresolved/bridge":  {"TcpOutSegs": 0},
	"neighbour-unresolved/vrf":     {"TcpOutSegs": 0},
	"neighbour-unresolved/vxlan":   {"TcpOutSegs": 0},
	"neighbour-unresolved":         {"TcpOutSegs": 6, "TcpRetransSegs": 0},

	"neighbour-unresolved/forward":            {"TcpOutSegs": 0},
	"neighbour-unresolved/forward/queue-full": {"TcpOutSegs": 0},
	"out-of-window/beyond-window":             {"TcpInSegs": 18},
	"out-of-window/old":                       {"TcpInSegs": 30},
	"other":                                   {"TcpInSegs": 6, "TcpInErrs": 6},

	"neighbour-unresolved/published":        {"TcpOutSegs": 0},
	"neighbour-unresolved/service":          {"TcpOutSegs": 0},
	"neighbour-unresolved/service/iptables": {"TcpOutSegs": 0},
	"neighbour-unresolved/own-connect":      {"TcpActiveOpens": 3, "TcpOutSegs": 3},
	"netfilter-drop/own-connect":            {"TcpActiveOpens": 3, "TcpOutSegs": 3},
	"netfilter-reject/own-connect":          {"TcpActiveOpens": 3, "TcpInSegs": 3},
	"conntrack-clash/own-connect":           {"TcpActiveOpens": 4},
	"conntrack-clash/own-connect/iptables":  {"TcpActiveOpens": 4},
	"tc-drop/egress/own-connect":            {"TcpActiveOpens": 3},
	"qdisc-full/own-connect":                {"TcpActiveOpens": 3},
}

// checkCounters demands that of all Reconciled counters exactly those move that
// are expected to, and returns all that moved.
func checkCounters(t *testing.T, l *Lab, run func(context.Context) (Expect, error)) map[string]uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	before := mustCounters(t, l)
	start := time.Now()
	want, err := run(ctx)
	needs.Able(t, err, ErrMissing)
	after := mustCounters(t, l)
	t.Logf("%v", time.Since(start).Round(time.Millisecond))
	for _, d := range want.Drops {
		t.Logf("%v ×%d", d, d.Count)
	}
	sameCounters(t, want.Counters, delta(before, after))
	t.Logf("moved: %v", moved(before, after))
	return moved(before, after)
}

func mustCounters(t *testing.T, l *Lab) map[string]uint64 {
	t.Helper()
	c, err := l.counters()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sameCounters demands that what was provoked is what the kernel counted.
func sameCounters(t *testing.T, provoked, counted map[string]uint64) {
	t.Helper()
	for _, d := range Compare(provoked, counted) {
		t.Errorf("%s: %d provoked, %d counted", d.Key, d.Provoked, d.Reported)
	}
}

func delta(before, after map[string]uint64) map[string]uint64 {
	out := moved(before, after)
	maps.DeleteFunc(out, func(name string, _ uint64) bool { return !isReconciled[name] })
	return out
}

var isReconciled = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range Reconciled {
		m[name] = true
	}
	return m
}()

func moved(before, after map[string]uint64) map[string]uint64 {
	out := map[string]uint64{}
	for name, n := range after {
		if n != before[name] {
			out[name] = n - before[name]
		}
	}
	return out
}

func TestBenign(t *testing.T) {
	l := newLab(t)
	for _, h := range Benign() {
		for _, f := range h.Families {
			t.Run(h.Name+"/"+f.String(), func(t *testing.T) {
				before := mustCounters(t, l)
				err := h.Run(t.Context(), l, f)
				needs.Able(t, err, ErrMissing)
				after := mustCounters(t, l)
				d := delta(before, after)
				delete(d, "TcpExtSyncookiesSent")
				sameCounters(t, nil, d)
				t.Logf("moved: %v", moved(before, after))
			})
		}
	}
}

func TestTogether(t *testing.T) {
	needs.Root(t)
	var ps []Provocation
	for _, p := range All() {
		if p.Missing() == nil && !p.Global {
			ps = append(ps, p)
		}
	}
	for _, f := range []Family{V4, V6, Mapped} {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			checkCounters(t, l, func(ctx context.Context) (Expect, error) { return Together(ctx, l, f, ps...) })
		})
	}
}

// Stress counts exactly what it provokes. SYNWATCH_STRESS is how long.
func TestStress(t *testing.T) {
	d := 2 * time.Second
	if long, err := time.ParseDuration(os.Getenv("SYNWATCH_STRESS")); err == nil {
		d = long
	}
	labs := []*Lab{newLab(t), newLab(t)}
	before := []map[string]uint64{mustCounters(t, labs[0]), mustCounters(t, labs[1])}
	wants, err := Stress(t.Context(), d, labs...)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range wants {
		after := mustCounters(t, labs[i])
		sameCounters(t, want.Counters, delta(before[i], after))
		moved := moved(before[i], after)
		sums := map[string]uint64{}
		for _, drop := range want.Drops {
			sums[drop.Cause] += drop.Count
		}
		t.Logf("lab %d: %v", i, sums)
		resets := sums["no-listener"] + sums["stray-ack"]
		if got := moved["TcpOutRsts"] - 4; got != resets { // without those of the full queues
			t.Errorf("%d resets were sent, not %d", got, resets)
		}
	}
}

// A run that is interrupted says so, soon, and leaves the lab as it was.
func TestInterrupted(t *testing.T) {
	needs.Root(t)
	for _, p := range All() {
		if p.Missing() != nil {
			continue
		}
		t.Run(p.Name(), func(t *testing.T) {
			beside(t, p)
			l := newLab(t)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := p.Run(ctx, l, V4); !errors.Is(err, context.Canceled) {
				t.Errorf("interrupted run: %v", err)
			}
			checkCounters(t, l, func(ctx context.Context) (Expect, error) { return p.Run(ctx, l, V4) })
		})
	}
}
