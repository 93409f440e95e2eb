// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"
	"testing"

	"github.com/synwatch/synwatch/pkg/flood"
	"github.com/synwatch/synwatch/pkg/needs"
)

// TestFloodSYNs floods a full accept queue, a closed port and a rule with SYNs from many
// sources, on all CPUs at once and in lists of 64, while tasks free packets with softirqs on and
// others connect: no SYN may be taken for another.
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
