// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strconv"
	"testing"

	"github.com/synwatch/synwatch/pkg/flood"
)

// TestFloodIgnored floods with RSTs, which are no drops, from more sources than there
// is room for. Once the tracer has seen one, they take no room.
func TestFloodIgnored(t *testing.T) {
	const room = 100
	f := newMixed(t, flood.Mix{Sources: 16})
	resets, err := f.lab.NewPerCPUSender(f.all[0].target.Addr, flood.Mix{Sources: 10_000, Reset: true})
	if err != nil {
		t.Fatal(err)
	}
	p := startProcess(t, f.only("--max-sources", strconv.Itoa(room))...)
	skipIfCannot(t, resets.Send(t.Context(), 1))
	f.mustSend(1)
	for _, cf := range f.all {
		counts, err := cf.sender.Counts()
		if err != nil {
			t.Fatal(err)
		}
		for src := range counts {
			if !p.reported.await(cf.cause, src, hang) {
				t.Errorf("%s of %s was not reported", cf.cause, src)
			}
		}
	}
	flooded := make(chan error, 1)
	go func() { flooded <- resets.Send(t.Context(), natively[uint64](100_000, 10_000)) }()
	f.mustSend(natively[uint64](10_000, 1000))
	skipIfCannot(t, <-flooded)
	f.mustSend(100)
	o := p.stop()
	f.checkExact(o)
	if o.summary.Unattributed != 0 {
		t.Errorf("%d unattributed", o.summary.Unattributed)
	}
}
