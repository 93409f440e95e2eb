// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/cause/causetest"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/provoke"
)

// recording is the events of a session by network namespace, for the tests of
// package cause to replay. It is nil unless SYNWATCH_RECORD is 1. Only the reader
// of the events adds to it, and it is read after that has ended.
type recording map[uint32]map[causetest.Event]uint64

func newRecording() recording {
	if os.Getenv("SYNWATCH_RECORD") != "1" {
		return nil
	}
	return recording{}
}

func (r recording) add(events []event.Event) {
	if r == nil {
		return
	}
	for i := range events {
		e := &events[i]
		if r[e.Netns.Inode] == nil {
			r[e.Netns.Inode] = map[causetest.Event]uint64{}
		}
		r[e.Netns.Inode][causetest.Of(e)] += e.Count
	}
}

// report writes the events of a trial that passed. It leaves out a trial that met
// another cause than its own: some minutes after boot a stray ACK is a failed cookie,
// so that a second recording would differ.
func (r recording) report(t *testing.T, tr *trial, cov event.Coverage, unseen bool) {
	t.Helper()
	if r == nil || t.Failed() || tr.metAnotherCause() {
		return
	}
	recorded, passed := r.split(t, tr.lab.Netns(), tr.family.String(), cov)
	p := causetest.Provoked{Name: tr.Name(), Unseen: unseen}
	for i := range recorded {
		p.Events = append(p.Events, recorded[i].Event)
	}
	shown, all := tr.shown(cov)
	switch {
	case unseen:
		p.Want = wants(tr.want.Drops, nil)
	case all:
		p.Want, p.Counters = wants(shown, recorded), once(attributable(tr.want.Counters), recorded)
	default:
		p.Want, p.Partial = wants(shown, recorded), true
	}
	writeLine(t, causetest.Line{Provoked: &p, Family: tr.family.String(), Passed: passed})
}

func (tr *trial) metAnotherCause() bool {
	return len(tr.want.Drops) > 0 && !slices.ContainsFunc(tr.want.Drops, func(d provoke.Drop) bool {
		return d.Cause == tr.Cause && d.Stage == tr.Stage
	})
}

// reportBenign writes the events of benign traffic, which includes packets of which
// no namespace is known any more, and what the session could observe.
func (r recording) reportBenign(t *testing.T, netns uint32, cov event.Coverage) {
	t.Helper()
	if r == nil {
		return
	}
	_, passed := r.split(t, netns, "", cov)
	if provoke.ThrowAway() == nil { // where no other program sends packets
		_, anywhere := r.split(t, 0, "", cov)
		passed = append(passed, anywhere...)
	}
	writeLine(t, causetest.Line{Passed: passed})
	writeLine(t, causetest.Line{Coverage: causetest.CoverageOf(&cov)})
}

func writeLine(t *testing.T, l causetest.Line) {
	t.Helper()
	if err := causetest.WriteLine(os.Stdout, l); err != nil {
		t.Error(err)
	}
}

// recordedEvent is a kind of events that the trace counted.
type recordedEvent struct {
	causetest.Event
	rule     *cause.Rule
	records  bool     // whether records come of it
	counters []string // that each moves
	reason   string   // of the records, if the cause is other
	count    uint64
}

// split separates the events for which there are records, or which only move
// counters, from the others.
func (r recording) split(t *testing.T, netns uint32, family string, cov event.Coverage) (all []recordedEvent, passed []causetest.Event) {
	t.Helper()
	attributor := cause.NewAttributor(cov)
	for _, e := range slices.SortedFunc(maps.Keys(r[netns]), causetest.Compare) {
		decoded, err := e.Decode(family)
		if err != nil {
			t.Fatal(err)
		}
		one := recordedEvent{Event: e, rule: attributor.Attribute(&decoded), count: r[netns][e]}
		if one.rule != nil {
			one.records = records(one.rule, &decoded)
			one.counters = one.rule.CountersOf(&decoded)
		}
		if !one.records && one.counters == nil {
			passed = append(passed, e)
			continue
		}
		if one.records && one.rule.Cause.ID == "other" {
			one.reason = cmp.Or(e.Reason, e.Location)
		}
		all = append(all, one)
	}
	return all, passed
}

// records says whether a trace that is asked for no more makes a record of an event.
func records(rule *cause.Rule, e *event.Event) bool {
	return rule.Cause.Kind != cause.Benign && (rule.AnyProto() || !e.Facts.Has(event.OtherProtocol))
}

// wants adds up the expected records of all sources. Each kind of events counts once.
func wants(drops []provoke.Drop, events []recordedEvent) []causetest.Want {
	var all []causetest.Want
	for _, d := range drops {
		at := slices.IndexFunc(all, func(w causetest.Want) bool {
			return w.Cause == d.Cause && w.Stage == d.Stage && w.Reason == d.Reason
		})
		if at < 0 {
			all = append(all, causetest.Want{Cause: d.Cause, Stage: d.Stage, Reason: d.Reason, Notice: d.Notice})
			at = len(all) - 1
		}
		all[at].Kinds += d.Count
	}
	for i := range all {
		w := &all[i]
		if events == nil {
			w.Kinds = 1
		}
		for _, e := range events {
			if e.records && e.rule.Cause.ID == w.Cause && e.rule.Stage == w.Stage && e.reason == w.Reason {
				w.Kinds -= e.count - 1
			}
		}
	}
	return all
}

// once is how far the counters would have moved, had each kind of events happened
// once.
func once(counters map[string]uint64, events []recordedEvent) map[string]uint64 {
	for _, e := range events {
		for _, name := range e.counters {
			counters[name] -= e.count - 1
		}
	}
	return counters
}
