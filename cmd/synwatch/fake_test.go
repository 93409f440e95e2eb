// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/capture/capturetest"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/probe"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/survey"
	"github.com/synwatch/synwatch/pkg/watch"
)

// fake is a tracer with a few events, of a world in which a read takes a second.
type fake struct {
	events  []event.Event
	cov     event.Coverage
	options probe.Options
	clock   atomic.Pointer[time.Time] // which the recorder reads, too
	stopped bool
	closed  bool

	snapshots []survey.Snapshot // of check, one after the other
	surveyed  []uint32          // the namespaces asked for last
}

func (f *fake) survey(netns []uint32) (*survey.Snapshot, error) {
	f.surveyed = netns
	s := f.snapshots[0]
	if len(f.snapshots) > 1 {
		f.snapshots = f.snapshots[1:]
	}
	return &s, nil
}

func (f *fake) Coverage() event.Coverage      { return f.cov }
func (f *fake) Start() error                  { return nil }
func (f *fake) Stop() error                   { f.stopped = true; return nil }
func (f *fake) Wake()                         {}
func (f *fake) Ignore(int)                    {}
func (f *fake) Losses() (event.Losses, error) { return event.Losses{}, nil }
func (f *fake) Close() error                  { f.closed = true; return nil }
func (f *fake) Name(netns.ID) string          { return "" }
func (f *fake) Lack(netns.ID, string) error   { return nil }
func (f *fake) Sample(nstat.Wanted) (nstat.Reading, error) {
	return nstat.Reading{Sample: nstat.Sample{netns.ID{Inode: 1}: {}}, Directory: f}, nil
}
func (f *fake) Ask(enrich.Query) (enrich.Answer, bool) {
	return enrich.Answer{Listener: &enrich.Listener{Port: 443, Process: proc.Process{PID: 812, Comm: "nginx"}}}, true
}
func (f *fake) Local(_ netns.ID, ip netip.Addr) (local, known, later bool) {
	return ip == netip.MustParseAddr("10.0.0.1"), true, false
}
func (f *fake) Read(time.Time) (events []event.Event, err error) {
	f.passes(time.Second)
	events, f.events = f.events, nil
	if f.stopped {
		err = io.EOF
	}
	return events, err
}

func (f *fake) now() time.Time { return *f.clock.Load() }

// passes moves the clock, which only a read does.
func (f *fake) passes(d time.Duration) {
	now := f.now().Add(d)
	f.clock.Store(&now)
}

func newFake() *fake {
	f, now := &fake{}, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.clock.Store(&now)
	f.cov = event.Coverage{
		Hooks:      []event.HookState{{Name: "kfree_skb", Mode: event.ModeTracepoint, Status: event.Attached}, {Name: "tcp_v4_conn_request", Status: event.Unavailable, Why: "no kprobes"}},
		Observable: event.AllFacts &^ event.SYNJudged, HasReasons: true, Reasons: map[string]bool{"NO_SOCKET": true},
	}
	for i := range 3 {
		f.events = append(f.events, event.Event{
			Time: now, Hook: event.HookFree, Facts: event.NoSocket | event.PacketSYN, Reason: "NO_SOCKET", Netns: netns.ID{Inode: 1}, Count: 2,
			Direction: event.In, Proto: event.TCP,
			Src: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, 0, byte(i)}), 1000),
			Dst: netip.MustParseAddrPort("10.0.0.1:443"),
		})
	}
	return f
}

// result is what a command line came to.
type result struct {
	status         int
	stdout, stderr string
}

func command(t *testing.T, f *fake, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), fakeEnv(f, &stdout, &stderr), args)
	if strings.HasPrefix(stdout.String(), `{"type":"start"`) {
		capturetest.CheckLines(t, stdout.String())
	}
	return result{status, stdout.String(), stderr.String()}
}

func fakeEnv(f *fake, stdout, stderr io.Writer) *env {
	return &env{
		stdin: strings.NewReader(""), stdout: stdout, stderr: stderr, now: f.now,
		machine:   func() (survey.Machine, error) { return survey.Machine{Name: "box", Kernel: "6.12.1", Netns: 1}, nil },
		open:      func(o probe.Options) (tracer, error) { f.options = o; return f, nil },
		counters:  func() watch.Counters { return f },
		directory: func() directory { return f },
		addresses: func() watch.Addresses { return f },
		survey:    f.survey,
	}
}
