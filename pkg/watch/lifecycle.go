// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
)

// changed says whether the source sees more or less than it did: a module was
// loaded or unloaded.
func (w *watcher) changed(cov *event.Coverage) bool {
	return cov.Observable != w.coverage.Observable || !slices.Equal(cov.Hooks, w.coverage.Hooks)
}

func (w *watcher) setCoverage(cov event.Coverage) {
	if w.attributor != nil {
		w.tellChanges(cov.Hooks)
	}
	w.coverage = cov
	w.attributor = cause.NewAttributor(cov)
}

func (w *watcher) tellChanges(hooks []event.HookState) {
	for _, h := range hooks {
		same := func(old event.HookState) bool { return old.Name == h.Name && old.Status == h.Status }
		if !slices.ContainsFunc(w.coverage.Hooks, same) {
			w.Warn(fmt.Sprintf("the hook %s is %s now", h.Name, h.Status))
		}
	}
}

// sample enters the counters into the ledger. The next sample is due in a while
// that grows with what this one took.
func (w *watcher) sample(deep, switching bool) {
	before := w.Now()
	sample, err := w.Counters.Sample(deep)
	if err != nil {
		w.Warn("read the kernel's counters: " + err.Error())
	} else {
		w.ledger.add(sample, switching)
		for netns := range w.names { // which change: a process that starts a container becomes it
			w.names[netns] = cmp.Or(w.Counters.Name(netns), w.names[netns])
		}
	}
	now := w.Now()
	w.nextSample = now.Add(max(sampleEvery, sampleShare*now.Sub(before)))
}

// seek looks harder for a namespace that no sample has held so far: it may be
// kept by a thread or an open file only, and it may soon be gone.
func (w *watcher) seek(netns uint32) {
	if w.ledger.knows(netns) || w.sought[netns] {
		return
	}
	w.sought[netns] = true
	w.sample(true, false)
}

// name is what people call a namespace.
func (w *watcher) name(netns uint32) string {
	name, known := w.names[netns]
	if !known {
		name = w.Counters.Name(netns)
		w.names[netns] = name
	}
	return name
}

// stop ends the counting between two samples. The first finds the namespaces,
// so that the last can be quick.
func (w *watcher) stop() error {
	if !w.ended.IsZero() {
		return nil
	}
	w.sample(true, false)
	w.ended = w.Now()
	err := w.Source.Stop()
	w.sample(false, true)
	return err
}

// finish tells of what is pending and the summary.
func (w *watcher) finish() error {
	if err := w.output(w.emit(w.coalescer.rest()...), w.releaseAll()); err != nil {
		return err
	}
	losses, err := w.Source.Losses()
	if err != nil {
		return fmt.Errorf("read losses: %w", err)
	}
	return w.output(w.Sink.Summary(w.summary(losses)), w.Sink.Flush())
}

func (w *watcher) summary(losses event.Losses) Summary {
	r := reconciler{
		ledger: w.ledger, attributed: w.attributed, name: w.name, netns: w.Netns,
		filtered: w.Filtered, losses: losses, unseen: w.attributor.Unseen(),
	}
	rows, unseen := r.rows()
	return Summary{
		Time: w.ended, Duration: w.ended.Sub(w.began),
		Drops: w.tally.total(cause.Drop), Notices: w.tally.total(cause.Notice) + w.hidden,
		Lost: losses.Lost, Unattributed: losses.Unattributed, Missed: losses.Missed,
		Merged: w.merged, Unshown: w.unshown,
		Causes: w.tally.summary(), Unseen: w.wanted(unseen), Reconcile: rows,
		Filtered: w.Filtered, Findings: w.findings(),
	}
}

// wanted leaves out the totals of causes that were not asked for.
func (w *watcher) wanted(totals []UnseenTotal) []UnseenTotal {
	if len(w.Causes) == 0 {
		return totals
	}
	return slices.DeleteFunc(totals, func(t UnseenTotal) bool {
		return !slices.ContainsFunc(t.Stages, func(s cause.Stage) bool { return slices.Contains(w.Causes, s.Cause) })
	})
}
