// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/synwatch/synwatch/pkg/cause/causetest"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/provoke"
)

// replay is what was recorded on one kernel.
type replay struct {
	kernel   string
	coverage event.Coverage
	takes    []take
	passed   []event.Event
}

// take is what one provocation gave there.
type take struct {
	name     string
	unseen   bool
	partial  bool
	events   []event.Event
	want     map[attribution]uint64
	counters map[string]uint64
}

// attribution is the cause, stage and reason that an event gets.
type attribution struct {
	cause, stage, reason string
	notice               bool
}

func attributionOf(r *Rule, e *event.Event) attribution {
	v := attribution{cause: r.Cause.ID, stage: r.Stage, notice: r.Cause.Kind == Notice}
	if r.Cause == other {
		v.reason = cmp.Or(e.Reason, e.Location)
	}
	return v
}

// recorded is all of testdata, once decoded.
var recorded = sync.OnceValues(func() ([]*replay, error) {
	all, err := causetest.Read("testdata")
	if err != nil {
		return nil, err
	}
	var replays []*replay
	for _, kernel := range all.KernelNames() {
		r, err := replayOf(all, kernel)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kernel, err)
		}
		replays = append(replays, r)
	}
	return replays, nil
})

func replays(t *testing.T) []*replay {
	t.Helper()
	all, err := recorded()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("nothing is recorded: make record")
	}
	return all
}

func replayOf(all *causetest.Recordings, kernel string) (*replay, error) {
	coverage, err := all.Kernels[kernel].Decode()
	if err != nil {
		return nil, err
	}
	r := &replay{kernel: kernel, coverage: coverage}
	for _, recorded := range all.Takes {
		for _, family := range distinct(recorded.Seen[kernel]) {
			t, err := takeOf(&recorded, family)
			if err != nil {
				return nil, err
			}
			r.takes = append(r.takes, t)
		}
	}
	for _, p := range all.Passed {
		if slices.Contains(p.Kernels, kernel) {
			e, err := p.Decode("")
			if err != nil {
				return nil, err
			}
			r.passed = append(r.passed, e)
		}
	}
	return r, nil
}

// distinct leaves out a family whose packets are those of another: rules tell IPv6
// from IPv4, and no more.
func distinct(families []string) []string {
	return slices.CompactFunc(slices.Clone(families), func(a, b string) bool {
		return (a == causetest.IPv6) == (b == causetest.IPv6)
	})
}

func takeOf(recorded *causetest.Take, family string) (take, error) {
	t := take{
		name: recorded.Name, unseen: recorded.Unseen, partial: recorded.Partial,
		want: map[attribution]uint64{}, counters: attributable(recorded.Counters),
	}
	for _, e := range recorded.Events {
		decoded, err := e.Decode(family)
		if err != nil {
			return t, err
		}
		t.events = append(t.events, decoded)
	}
	for _, w := range recorded.Want {
		t.want[attribution{w.Cause, w.Stage, w.Reason, w.Notice}] += w.Kinds
	}
	return t, nil
}

// differences are how the rules differ from what was recorded.
func (r *replay) differences(yield func(string) bool) {
	attributor := NewAttributor(r.coverage)
	for i := range r.takes {
		for _, difference := range r.takes[i].check(attributor) {
			if !yield(r.kernel + ": " + r.takes[i].name + ": " + difference) {
				return
			}
		}
	}
	for i := range r.passed {
		e := &r.passed[i]
		rule := attributor.Attribute(e)
		if rule != nil && rule.records(e) &&
			!yield(fmt.Sprintf("%s: %s %s %s in %s is named %s", r.kernel, e.Hook, e.Facts, e.Reason, e.Location, rule.Cause)) {
			return
		}
	}
}

func (t *take) check(a *Attributor) []string {
	attributions, counters := t.attribute(a)
	var differences []string
	if t.unseen {
		for v := range attributions {
			if !t.excuses(v) {
				differences = append(differences, fmt.Sprintf("named %+v", v))
			}
		}
		return differences
	}
	for _, d := range provoke.Compare(t.want, attributions) {
		differences = append(differences, fmt.Sprint(d))
	}
	if t.partial {
		return differences
	}
	for _, d := range provoke.Compare(t.counters, counters) {
		differences = append(differences, fmt.Sprint(d))
	}
	return differences
}

// attribute adds up what the events of a take are named.
func (t *take) attribute(a *Attributor) (attributions map[attribution]uint64, counters map[string]uint64) {
	attributions, counters = map[attribution]uint64{}, map[string]uint64{}
	for i := range t.events {
		e := &t.events[i]
		rule := a.Attribute(e)
		if rule == nil {
			rule = &Rule{Cause: benign}
		}
		if rule.records(e) || rule.Cause.Kind == Benign && !rule.counts() {
			attributions[attributionOf(rule, e)] += e.Count
		}
		for _, name := range rule.CountersOf(e) {
			counters[name] += e.Count
		}
	}
	return attributions, counters
}

// records says whether a trace that is asked for no more makes a record of the event.
func (r *Rule) records(e *event.Event) bool {
	return r.Cause.Kind != Benign && (r.AnyProto() || !e.Facts.Has(event.OtherProtocol))
}

// counts says whether the rule's events move counters, with a record or without.
func (r *Rule) counts() bool { return r.Counters != nil || r.Counters6 != nil }

// excuses says whether a attribution is right, if not exact, where not all of a take can
// be seen.
func (t *take) excuses(v attribution) bool {
	if v.cause == other.ID {
		return true
	}
	for want := range t.want {
		c, _ := Lookup(want.cause)
		if want.cause == v.cause && want.stage == v.stage || c.General != nil && c.General.ID == v.cause {
			return true
		}
	}
	return false
}

// attributable are the counters that rules move.
func attributable(counters map[string]uint64) map[string]uint64 {
	out := map[string]uint64{}
	for _, name := range reconciled {
		if n := counters[name]; n != 0 {
			out[name] = n
		}
	}
	return out
}

var reconciled = Counters()

// TestReplay demands of the rules what TestKernelCauses demands of a trace: that
// each provocation on each kernel has its cause, stage and counters, and that
// other events give no record.
func TestReplay(t *testing.T) {
	for _, r := range replays(t) {
		for difference := range r.differences {
			t.Error(difference)
		}
	}
}

// TestEveryProvocationIsReplayed fails where a provocation was recorded nowhere.
func TestEveryProvocationIsReplayed(t *testing.T) {
	names := map[string]bool{}
	for _, r := range replays(t) {
		for i := range r.takes {
			names[r.takes[i].name] = true
		}
	}
	for _, p := range provoke.All() {
		if !names[p.Name()] {
			t.Errorf("%s is not recorded: make record", p.Name())
		}
	}
}
