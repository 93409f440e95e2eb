// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/flood"
)

// TestFloodTwoTracers has two of them watch the same flood.
func TestFloodTwoTracers(t *testing.T) {
	f := newMixed(t, flood.Mix{Sources: 10_000})
	first, second := startProcess(t, f.only()...), startProcess(t, f.only()...)
	f.mustSend(natively[uint64](100_000, 10_000))
	f.checkExact(first.stop())
	f.checkExact(second.stop())
}

// TestFloodStoppedReader stops the tracer's process for a while, in which
// 10,000 sources make room for others: nothing is lost but time.
func TestFloodStoppedReader(t *testing.T) {
	f := newMixed(t, flood.Mix{Sources: 10_000, Churn: natively[uint32](20, 1)})
	p := startProcess(t, f.only()...)
	f.mustSend(1000)
	p.pause()
	skipIfCannot(t, f.sendFor(5*time.Second, natively[uint64](20_000, 2000)))
	p.resume()
	f.mustSend(1000)
	f.checkExact(p.stop())
}

// TestFloodSlowPipe has the output of one tracer read slowly, and of another
// as it comes: both report all drops, the first in fewer lines.
func TestFloodSlowPipe(t *testing.T) {
	sources := natively(300, 60)
	f := newMixed(t, flood.Mix{Sources: uint32(sources)})
	slow, quick := startProcess(t, f.only()...), startProcess(t, f.only()...)
	slow.slowDown()
	// On a busy machine it takes longer until one had time for many lines.
	for n := 0; n < 15 && quick.reported.lineCount() < 8*sources*len(f.all); n++ {
		skipIfCannot(t, f.sendFor(2*time.Second, natively[uint64](10_000, 2000)))
	}
	slow.out.slow.Store(false)
	coalesced, all := slow.stop(), quick.stop()
	f.checkExact(coalesced)
	f.checkExact(all)
	if 3*coalesced.lines > 2*all.lines {
		t.Errorf("%d lines of a tracer that is read slowly, %d of another", coalesced.lines, all.lines)
	}
}
