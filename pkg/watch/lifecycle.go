// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"fmt"
	"slices"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
)

// changed says whether the source sees more or less than it did: a module was
// loaded or unloaded.
func (w *watcher) changed(cov *event.Coverage) bool {
	return cov.Observable != w.coverage.Observable || !slices.Equal(cov.Hooks, w.coverage.Hooks)
}

func (w *watcher) setCoverage(cov event.Coverage) {
	if w.attributor != nil {
		w.warnChanges(cov.Hooks)
	}
	w.coverage = cov
	w.attributor = cause.NewAttributor(cov)
}

func (w *watcher) warnChanges(hooks []event.HookState) {
	for _, h := range hooks {
		same := func(old event.HookState) bool { return old.Name == h.Name && old.Status == h.Status }
		if !slices.ContainsFunc(w.coverage.Hooks, same) {
			w.Warn(fmt.Sprintf("the hook %s is %s now", h.Name, h.Status))
		}
	}
}

// stop ends the counting between two samples, after a reading that is under way. The
// first finds the namespaces, so that the last can be quick.
func (w *watcher) stop() error {
	if !w.ended.IsZero() {
		return nil
	}
	if r, done := w.reader.finish(); done {
		w.enter(&r, false)
	}
	w.sample(true, false)
	w.ended = w.Now()
	err := w.Source.Stop()
	w.sample(false, true)
	return err
}

// finish hands over what is pending and the summary.
func (w *watcher) finish() error {
	w.sampler.stop()
	if err := w.output(w.awaitDirections(), w.emit(w.coalescer.rest()...), w.handOver(), w.recorder.drain()); err != nil {
		return err
	}
	losses, err := w.Source.Losses()
	if err != nil {
		return fmt.Errorf("read losses: %w", err)
	}
	s := w.summary(losses)
	return w.tell(func(to stream.Sink) error { return to.Summary(s) })
}

func (w *watcher) summary(losses event.Losses) stream.Summary {
	rows, unseen := w.reconcile(losses)
	return stream.Summary{
		Time: w.ended, Duration: w.ended.Sub(w.began),
		Drops: w.tally.total(cause.Drop), Notices: w.tally.total(cause.Notice) + w.unshownNotices,
		Lost: losses.Lost, Unattributed: losses.Unattributed, Missed: losses.Missed,
		Merged: w.merged, Unshown: w.unshown,
		Causes: w.tally.summary(), Unseen: unseen, Reconcile: rows,
		Filtered: w.Filtered, Findings: w.findings(),
	}
}

// reconcile sets the kernel's counters against what was attributed so far.
func (w *watcher) reconcile(losses event.Losses) ([]stream.Row, []stream.UnseenTotal) {
	r := reconciler{
		namespaces: w.namespaces, name: w.name, lack: w.lack, filtered: w.Filtered,
		losses: losses, unseen: w.attributor.Unseen(), passes: w.coverage.Passes(), running: w.ended.IsZero(),
	}
	rows, unseen := r.rows()
	return rows, w.wanted(unseen)
}

// wanted leaves out the totals of causes that were not asked for.
func (w *watcher) wanted(totals []stream.UnseenTotal) []stream.UnseenTotal {
	if len(w.Causes) == 0 {
		return totals
	}
	return slices.DeleteFunc(totals, func(t stream.UnseenTotal) bool {
		return !slices.ContainsFunc(t.Stages, func(s cause.Stage) bool { return w.cause(s.Cause) })
	})
}
