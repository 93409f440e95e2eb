// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/flood"
	"github.com/synwatch/synwatch/pkg/needs"
)

// natively is n, or what is given for a VM, which is slow.
func natively[T any](n, vm T) T {
	if needs.InVM() {
		return vm
	}
	return n
}

const defaultSources = 65536 // of --max-sources

// TestFloodExact floods with two causes on all CPUs, from fewer and from
// more sources than there is room for.
func TestFloodExact(t *testing.T) {
	for _, c := range []struct {
		sources uint32
		room    int
		inVM    bool // too, where a trace takes long to start
	}{
		{16, defaultSources, false}, {16, 1000, true}, {10_000, defaultSources, true},
		{200_000, defaultSources, false}, {200_000, 1000, true},
	} {
		if needs.InVM() && !c.inVM {
			continue
		}
		t.Run(fmt.Sprintf("%d of %d", c.sources, c.room), func(t *testing.T) { testFlood(t, c.sources, c.room) })
	}
}

func testFlood(t *testing.T, sources uint32, room int) {
	f := newMixed(t, flood.Mix{Sources: sources})
	var args []string
	if room != defaultSources {
		args = append(args, "--max-sources", strconv.Itoa(room))
	}
	p := startProcess(t, f.only(args...)...)
	f.mustSend(natively[uint64](100_000, 10_000))
	o := p.stop()
	if len(f.all)*int(sources) <= room {
		f.checkExact(o)
		return
	}
	v := f.compare(o)
	if o.summary.Unattributed != v.sourceless {
		t.Errorf("without a source %d, but unattributed %d", v.sourceless, o.summary.Unattributed)
	}
	if room < defaultSources && v.sourceless == 0 {
		t.Error("there was room for all at any time")
	}
	t.Logf("%d drops, %d without a source, unattributed %d, in %d lines", v.drops, v.sourceless, o.summary.Unattributed, o.lines)
}

// TestFloodFullTable floods a tracer that does not get to run, so that its
// table fills up once: each source is exact or not reported at all.
func TestFloodFullTable(t *testing.T) {
	const room = 1000
	f := newMixed(t, flood.Mix{Sources: 10_000})
	p := startProcess(t, f.only("--max-sources", strconv.Itoa(room))...)
	p.pause()
	f.mustSend(natively[uint64](100_000, 10_000))
	p.resume()
	o := p.stop()
	v := f.compare(o)
	if v.sources != room {
		t.Errorf("%d sources were reported, with room for %d", v.sources, room)
	}
	if v.sourceless == 0 || o.summary.Unattributed != v.sourceless {
		t.Errorf("without a source %d, unattributed %d", v.sourceless, o.summary.Unattributed)
	}
	if v.partial != 0 {
		t.Errorf("of %d sources, too few drops were reported of %d", v.sources, v.partial)
	}
	t.Logf("%d drops, %d without a source", v.drops, v.sourceless)
}

// TestFloodNeedle drops a single packet of another cause and another source in
// the midst of a flood from one source, on all CPUs: it is reported while the flood
// goes on.
func TestFloodNeedle(t *testing.T) {
	f := newFloods(t)
	hay := f.add("closed-port", func(to netip.AddrPort) (sender, error) { return f.lab.NewPerCPUSender(to, flood.Mix{Sources: 1}) })
	src := flood.Singles[0]
	needle := f.add("nft-drop", func(to netip.AddrPort) (sender, error) {
		s, err := f.lab.NewSingle(to, src)
		return single{s, f.lab.CPUs()[0]}, err
	})
	p := startProcess(t, f.only()...)
	stop := f.flatOut(hay)
	if !p.reported.await(hay.cause, flood.Sources.Addr(), hang) {
		t.Error("the flood was not reported")
	}
	began := time.Now()
	if err := needle.sender.Send(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if !p.reported.await(needle.cause, src, hang) {
		t.Error("a single drop was not reported while the flood went on")
	}
	t.Logf("reported after %v", time.Since(began))
	skipIfCannot(t, stop())
	f.checkExact(p.stop())
}
