// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/flood"
	"github.com/synwatch/synwatch/pkg/needs"
)

// The tables of the kernel side are bounded. These tests flood them.

func newLab(t *testing.T) *flood.Lab {
	t.Helper()
	needs.Root(t)
	f, err := flood.NewLab(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func newTracer(t *testing.T, o Options) *Tracer {
	t.Helper()
	tracer, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tracer.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := tracer.Start(); err != nil {
		t.Fatal(err)
	}
	return tracer
}

// newFlooded makes labs, and a tracer that is restricted to them.
func newFlooded(t *testing.T, o Options, n int) (labs []*flood.Lab, tracer *Tracer) {
	t.Helper()
	for range n {
		f := newLab(t)
		labs = append(labs, f)
		o.Filter.Netns = append(o.Filter.Netns, f.Netns())
	}
	return labs, newTracer(t, o)
}

// send has the server drop n packets that were sent to a closed port.
func send(t *testing.T, s *flood.Sender, err error, cpu int, n uint64) {
	t.Helper()
	if err == nil {
		err = s.Deliver(t.Context(), cpu, n)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// readFor takes what there is to read within a time.
func readFor(t *testing.T, tracer *Tracer, d time.Duration, take func(i int, e *event.Event)) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		events, err := tracer.Read(end)
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		for i := range events {
			take(i, &events[i])
		}
	}
}

func closedPort(t *testing.T, f *flood.Lab) netip.AddrPort {
	t.Helper()
	target, err := flood.ClosedPort.Prepare(f)
	if err != nil {
		t.Fatal(err)
	}
	return target.Addr
}

// A flood of one kind of drops leaves a rare kind its details. The two kinds differ by
// one fact only.
func TestFloodLeavesOtherKindsTheirDetails(t *testing.T) {
	labs, tracer := newFlooded(t, Options{}, 1)
	f, rare := labs[0], flood.Singles[0]
	dst, cpu := closedPort(t, f), f.CPUs()[0]
	resets, err := f.NewSender(dst, flood.Mix{Sources: 10_000, Reset: true})
	if err != nil {
		t.Fatal(err)
	}
	needle, err := f.NewSingle(dst, rare)
	reported := 0
	for range 5 {
		send(t, resets, err, cpu, 2000)
		send(t, needle, err, cpu, 1)
		readFor(t, tracer, 3*tick, func(_ int, e *event.Event) {
			if e.Src.Addr() != rare {
				return
			}
			reported++
			if e.Evidence == nil {
				t.Errorf("no details of %v", *e)
			}
		})
	}
	if reported != 5 {
		t.Errorf("reported %d times, want 5", reported)
	}
}

// A kind of events that is ignored in one namespace is ignored in all others.
func TestIgnoredInAllNamespaces(t *testing.T) {
	labs, tracer := newFlooded(t, Options{}, 2)
	var seen [2]uint64
	for i, f := range labs {
		resets, err := f.NewSender(closedPort(t, f), flood.Mix{Sources: 1, Reset: true})
		send(t, resets, err, f.CPUs()[0], 1)
		readFor(t, tracer, 3*tick, func(n int, e *event.Event) {
			seen[i] += e.Count
			tracer.Ignore(n)
		})
	}
	if seen != [2]uint64{1, 0} {
		t.Errorf("%v resets were reported in the two namespaces, want [1 0]", seen)
	}
}

// A kind that is not ignored any more is counted again, also where the programs remember
// that it was.
func TestIgnoredIsCountedAgain(t *testing.T) {
	labs, tracer := newFlooded(t, Options{}, 1)
	f := labs[0]
	resets, err := f.NewSender(closedPort(t, f), flood.Mix{Sources: 1, Reset: true})
	var seen [4]uint64
	for i := range seen {
		if i == 3 {
			tracer.drain.ignored.clear()
		}
		send(t, resets, err, f.CPUs()[0], 1)
		readFor(t, tracer, 3*tick, func(n int, e *event.Event) {
			seen[i] += e.Count
			tracer.Ignore(n)
		})
	}
	if seen != [4]uint64{1, 0, 0, 1} {
		t.Errorf("%v resets were reported, want [1 0 0 1]", seen)
	}
}

// Drops without room for their source are reported once, with their namespace, and
// take no room afterwards.
func TestOverflowIsEmptied(t *testing.T) {
	labs, tracer := newFlooded(t, Options{MaxSources: 1}, 2)
	counts := map[uint32]uint64{}
	for range 2 {
		for _, f := range labs {
			syns, err := f.NewSender(closedPort(t, f), flood.Mix{Sources: 1000})
			send(t, syns, err, f.CPUs()[0], 500)
		}
		readFor(t, tracer, 4*tick, func(_ int, e *event.Event) { counts[e.Netns.Inode] += e.Count })
	}
	for _, f := range labs {
		if got := counts[f.Netns()]; got != 1000 {
			t.Errorf("%d drops were reported in a namespace, want 1000", got)
		}
	}
	losses, err := tracer.Losses()
	if err != nil || losses.Unattributed == 0 || losses.Lost != 0 {
		t.Errorf("%+v, %v", losses, err)
	}
	for _, m := range tracer.drain.overflow.maps {
		if n := entries(t, m); n != 0 {
			t.Errorf("%d kinds are left in %v", n, m)
		}
	}
}

// Drops that find no room in the table are a flood as well.
func TestOverflowIsAFlood(t *testing.T) {
	fields, tracer := newFlooded(t, Options{MaxSources: 1}, 1)
	f := fields[0]
	syns, err := f.NewSender(closedPort(t, f), flood.Mix{Sources: 1000})
	readFor(t, tracer, 2*tick, func(int, *event.Event) {})
	send(t, syns, err, f.CPUs()[0], 20_000)
	seen := false
	readFor(t, tracer, 4*tick, func(int, *event.Event) { seen = seen || tracer.drain.flood })
	if !seen {
		t.Error("it is not taken for a flood")
	}
}

func entries(t *testing.T, m *ebpf.Map) int {
	t.Helper()
	var key bpfKindInNetns
	var counts []uint64
	n, all := 0, m.Iterate()
	for all.Next(&key, &counts) {
		n++
	}
	if err := all.Err(); err != nil {
		t.Fatal(fmt.Errorf("iterate: %w", err))
	}
	return n
}

// A tracer may be closed more than once, and so may what the tests drop packets in.
func TestCloseAgain(t *testing.T) {
	f := newLab(t)
	server, err := f.NewServer()
	if err != nil {
		t.Fatal(err)
	}
	tracer, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := errors.Join(tracer.Close(), server.Close(), f.Close()); err != nil {
			t.Error(err)
		}
	}
}
