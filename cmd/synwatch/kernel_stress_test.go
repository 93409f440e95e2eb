// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/provoke"
)

// Several causes from several sources on two CPUs at once, as fast as they come:
// every count of every source is exact, and the kernel's counters agree. It takes
// SYNWATCH_STRESS, or some seconds.
func TestKernelStress(t *testing.T) {
	d, err := time.ParseDuration(cmp.Or(os.Getenv("SYNWATCH_STRESS"), "5s"))
	if err != nil {
		t.Fatal(err)
	}
	labs := []*provoke.Lab{newLab(t), newLab(t)}
	s := startTrace(t, append(only(labs[0]), only(labs[1])...)...)
	awaitModules(t, s)
	if shown, why := stressShown(s); !shown {
		s.stop()
		needs.Hooks(t, shown, why)
	}
	wants, err := provoke.Stress(t.Context(), d, labs...)
	if err != nil {
		t.Fatal(err)
	}
	records, summary := s.stop()
	byNetns := map[uint32][]record{}
	for _, r := range records {
		byNetns[r.Netns] = append(byNetns[r.Netns], r)
	}
	var drops uint64
	for i, want := range wants {
		records, shown := asShown(s.coverage(), byNetns[labs[i].Netns()], want.Drops)
		checkCounts(t, records, shown)
		checkCounters(t, summary, labs[i].Netns(), want.Counters)
		drops += total(want.Drops)
	}
	if summary.Lost != 0 || summary.Unattributed != 0 {
		t.Errorf("lost %d, unattributed %d", summary.Lost, summary.Unattributed)
	}
	t.Logf("%d drops in %v", drops, d)
}

// asShown leaves out what the run cannot see by its name, and the records of these drops,
// which are named less exactly.
func asShown(cov event.Coverage, got []record, want []provoke.Drop) (records []record, drops []provoke.Drop) {
	stages := cause.NewAttributor(cov).Stages()
	unseen := map[netip.AddrPort]string{}
	for _, d := range want {
		if c, _ := cause.Lookup(d.Cause); seen(stages, d.Cause, d.Stage) {
			drops = append(drops, d)
		} else {
			unseen[d.Dst] = instead(c)
		}
	}
	for _, r := range got {
		if d := r.drop(); unseen[d.Dst] != r.Cause {
			records = append(records, r)
		}
	}
	return records, drops
}

// stressShown says whether this kernel shows a stress, and if not, why.
func stressShown(s *session) (shown bool, why string) {
	cov := s.coverage()
	return seen(cause.NewAttributor(cov).Stages(), "accept-queue-full", "syn"), whyBlind(cov)
}
