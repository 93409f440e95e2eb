// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/provoke"
	"golang.org/x/sync/errgroup"
)

// trial is one provocation in a lab of its own, with its expected records. A record
// belongs to the trial in whose lab's namespace it is.
type trial struct {
	provoke.Provocation
	family provoke.Family
	lab    *provoke.Lab
	want   provoke.Expect
	// missing says why this machine cannot provoke it.
	missing error
}

// TestKernelCauses provokes every cause on the running kernel and demands the
// exact cause, source and count, nothing else, and the kernel's own counters
// agreeing. SYNWATCH_PROVOKE chooses causes. Each outcome is also a line "matrix: {…}", of which `vm matrix`
// makes the table.
func TestKernelCauses(t *testing.T) {
	wantSome(t)
	for _, family := range []provoke.Family{provoke.V4, provoke.V6, provoke.Mapped} {
		t.Run(family.String(), func(t *testing.T) { testCauses(t, family) })
	}
}

func testCauses(t *testing.T, family provoke.Family) {
	s := startTrace(t, "--notices")
	awaitModules(t, s)
	trials := provokeAll(t, family)
	quiet := runBenign(t, family)
	records, summary := s.stop()
	cov := s.coverage()
	byNetns := map[uint32][]record{}
	for _, r := range records {
		byNetns[r.Netns] = append(byNetns[r.Netns], r)
	}
	for _, tr := range trials {
		t.Run(tr.Name(), func(t *testing.T) {
			o := outcome{Kernel: s.start.Kernel, Cause: tr.Cause, Stage: tr.detail(), Family: family.String()}
			defer o.report(t)
			if tr.missing != nil {
				o.skip(t, tr.missing)
				return
			}
			mine := byNetns[tr.lab.Netns()]
			delete(byNetns, tr.lab.Netns())
			if tr.isUnseen(cov, mine) {
				o.unseen(whyBlind(cov))
				tr.checkUnseen(t, mine)
				s.tracer.recording.report(t, tr, cov, true)
				return
			}
			tr.check(t, mine, summary, cov)
			if !t.Failed() {
				o.Status = "exact"
			}
			s.tracer.recording.report(t, tr, cov, false)
		})
	}
	t.Run("benign", func(t *testing.T) {
		o := outcome{Kernel: s.start.Kernel, Cause: "(benign traffic: no record)", Family: family.String()}
		defer o.report(t)
		mine := byNetns[quiet]
		delete(byNetns, quiet)
		if !cov.Observable.Has(event.DeferAccept | event.RequestSYN | event.TimeWait) {
			o.unseen(whyBlind(cov))
			for _, r := range mine {
				if r.Cause != "other" && r.Cause != "syn-cookie-sent" {
					t.Errorf("a benign free was named: %v", r)
				}
			}
			s.tracer.recording.reportBenign(t, quiet, cov)
			return
		}
		for _, r := range mine {
			// Cookies are sent where they are asked for.
			if r.Cause != "syn-cookie-sent" {
				t.Errorf("a benign free was reported: %v", r)
			}
		}
		if !t.Failed() {
			o.Status = "exact"
		}
		s.tracer.recording.reportBenign(t, quiet, cov)
	})
	checkSilence(t, byNetns, trials)
	if summary.Lost != 0 || summary.Unattributed != 0 {
		t.Errorf("lost %d, unattributed %d", summary.Lost, summary.Unattributed)
	}
}

// lateModules are those that hooks wait for or that provocations need.
var lateModules = []string{
	"nf_conntrack", "nf_tables", "nf_reject_ipv4", "nf_reject_ipv6",
	"nft_reject_inet", "nft_ct", "nft_chain_nat", "nft_nat",
}

// loadModules loads them and returns those that are there now. The others are built in
// and show nothing of it, or the kernel does not have them.
func loadModules() []string {
	var loaded []string
	for _, name := range lateModules {
		_ = exec.Command("modprobe", name).Run()
		if _, err := os.Stat("/sys/module/" + name); err == nil {
			loaded = append(loaded, name)
		}
	}
	return loaded
}

// awaitModules loads the modules and waits until the running trace has found them.
func awaitModules(t *testing.T, s *session) {
	t.Helper()
	loaded := loadModules()
	waits := func(h event.HookState) bool {
		return h.Status == event.Waiting && slices.ContainsFunc(loaded, func(name string) bool {
			return strings.Contains(h.Why, " "+name+" ")
		})
	}
	deadline := time.Now().Add(hang)
	for time.Now().Before(deadline) {
		if hooks := s.coverage().Hooks; hooks != nil && !slices.ContainsFunc(hooks, waits) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("hooks still wait for their modules: %v", s.coverage().Hooks)
}

// abreast is how many provocations run at a time: most of their time is waiting.
const abreast = 4

func provokeAll(t *testing.T, family provoke.Family) []*trial {
	t.Helper()
	var trials []*trial
	var together errgroup.Group
	together.SetLimit(abreast)
	var alone []*trial
	for _, p := range provoke.All() {
		if !slices.Contains(p.Families, family) || !wanted(t, p.Name()) {
			continue
		}
		tr := &trial{Provocation: p, family: family, missing: p.Missing()}
		trials = append(trials, tr)
		switch {
		case tr.missing != nil:
		case tr.Global:
			alone = append(alone, tr)
		default:
			tr.lab = newLab(t)
			together.Go(func() error { tr.run(t); return nil })
		}
	}
	_ = together.Wait() // they fail the test themselves
	for _, tr := range alone {
		tr.lab = newLab(t)
		tr.run(t)
	}
	return trials
}

// wantSome fails where SYNWATCH_PROVOKE names nothing at all.
func wantSome(t *testing.T) {
	t.Helper()
	provoked := func(p provoke.Provocation) bool { return wanted(t, p.Name()) }
	benign := func(h provoke.Harmless) bool { return wanted(t, "benign/"+h.Name) }
	if !slices.ContainsFunc(provoke.All(), provoked) && !slices.ContainsFunc(provoke.Benign(), benign) {
		t.Fatalf("SYNWATCH_PROVOKE: %q is in no provocation's name", os.Getenv("SYNWATCH_PROVOKE"))
	}
}

// wanted says whether a provocation or benign traffic is among those that the regular
// expression SYNWATCH_PROVOKE names, as are all without it.
func wanted(t *testing.T, name string) bool {
	t.Helper()
	matches, err := regexp.MatchString(os.Getenv("SYNWATCH_PROVOKE"), name)
	if err != nil {
		t.Fatalf("SYNWATCH_PROVOKE: %v", err)
	}
	return matches
}

func (tr *trial) run(t *testing.T) {
	t.Helper()
	var err error
	if tr.want, err = tr.Provocation.Run(t.Context(), tr.lab, tr.family); err != nil {
		t.Errorf("provoke %s: %v", tr.Name(), err)
	}
}

// runBenign runs all benign traffic in one lab and returns its namespace.
func runBenign(t *testing.T, family provoke.Family) uint32 {
	t.Helper()
	lab := newLab(t)
	for _, b := range provoke.Benign() {
		if !slices.Contains(b.Families, family) || !wanted(t, "benign/"+b.Name) {
			continue
		}
		switch err := b.Run(t.Context(), lab, family); {
		case errors.Is(err, provoke.ErrMissing):
			t.Logf("benign %s: %v", b.Name, err)
		case err != nil:
			t.Errorf("benign %s: %v", b.Name, err)
		}
	}
	return lab.Netns()
}

func newLab(t *testing.T) *provoke.Lab {
	t.Helper()
	needs.Root(t)
	lab, err := provoke.NewLab(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	return lab
}

func (tr *trial) detail() string {
	return strings.Trim(strings.Join([]string{tr.Stage, tr.Variant}, "/"), "/")
}

// shown is the part of the provoked drops that the attached hooks show, and whether
// that is all.
func (tr *trial) shown(cov event.Coverage) (drops []provoke.Drop, all bool) {
	stages := cause.NewAttributor(cov).Stages()
	for _, d := range tr.want.Drops {
		if seen(stages, d.Cause, d.Stage) {
			drops = append(drops, d)
		}
	}
	return drops, len(drops) == len(tr.want.Drops)
}

// check demands exactly what was provoked, less what the run cannot see of it.
func (tr *trial) check(t *testing.T, got []record, summary record, cov event.Coverage) {
	t.Helper()
	shown, all := tr.shown(cov)
	checkCounts(t, got, shown)
	if all {
		checkCounters(t, summary, tr.lab.Netns(), tr.want.Counters)
	}
	for _, r := range got {
		tr.checkEvidence(t, r, cov)
	}
}

// isUnseen says whether the attached hooks cannot show what was provoked: none of the
// stage's rules can match, or all records are named other and one of the rules lacks
// a hook.
func (tr *trial) isUnseen(cov event.Coverage, got []record) bool {
	attributor := cause.NewAttributor(cov)
	if !seen(attributor.Stages(), tr.Cause, tr.Stage) {
		return true
	}
	named := slices.ContainsFunc(got, func(r record) bool { return r.Cause != "other" })
	return len(got) > 0 && !named && attributor.Partial(tr.Cause, tr.Stage)
}

// checkUnseen demands that what cannot be seen is not named wrongly.
func (tr *trial) checkUnseen(t *testing.T, got []record) {
	t.Helper()
	c, ok := cause.Lookup(tr.Cause)
	if !ok {
		t.Fatalf("no cause %s", tr.Cause)
	}
	for _, r := range got {
		provoked := slices.ContainsFunc(tr.want.Drops, func(d provoke.Drop) bool { return d.Cause == r.Cause && d.Stage == r.Stage })
		if r.Cause != instead(c) && r.Cause != "other" && !provoked {
			t.Errorf("named wrongly: %v", r)
		}
	}
}

func seen(stages []cause.Stage, id, stage string) bool {
	return slices.ContainsFunc(stages, func(s cause.Stage) bool {
		return s.Cause.ID == id && s.Stage == stage && s.Seen
	})
}

// whyBlind gives the reasons for which hooks are unavailable.
func whyBlind(cov event.Coverage) string {
	var whys []string
	for _, h := range cov.Hooks {
		if h.Status == event.Unavailable && !slices.Contains(whys, h.Why) {
			whys = append(whys, h.Why)
		}
	}
	return strings.Join(whys, "; ")
}
