// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"testing"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/provoke"
)

// TestKernelClosesAreNoDrops: the kernel frees a connection's last segments as it
// frees packets that it drops without a reason. Every client that closes last sends
// one. From 6.11 on they are recognized without any hook, too.
func TestKernelClosesAreNoDrops(t *testing.T) {
	lab := newLab(t)
	s := startTrace(t, only(lab)...)
	all := provoke.Benign()
	for _, name := range []string{"client-closes-first", "server-closes-first", "both-close-at-once", "retransmitted-fin"} {
		at := slices.IndexFunc(all, func(h provoke.Harmless) bool { return h.Name == name })
		if at < 0 {
			t.Fatalf("nothing provokes %s", name)
		}
		if err := all[at].Run(t.Context(), lab, provoke.V4); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	records, _ := s.stop()
	cov := s.coverage()
	needs.Hooks(t, cov.Observable&(event.TimeWait|event.TimeWaitSocket) != 0, whyBlind(cov))
	for _, r := range records {
		t.Errorf("a benign free was reported: %v", r)
	}
}
