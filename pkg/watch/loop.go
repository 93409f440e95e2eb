// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/stream"
)

// ErrOutput is what every error satisfies that came from the sink.
var ErrOutput = errors.New("write output")

type watcher struct {
	Config
	coverage   event.Coverage
	attributor *cause.Attributor
	coalescer  *coalescer
	tally      *tally
	places     *places
	recorder   *recorder
	sampler    *sampler
	batch      []located // to be handed over to the recorder
	namespaces *namespaces
	// directory is that of the newest sample.
	directory nstat.Directory
	reader    *reader
	schedule  schedule
	// measuring is what is due for the sampler.
	measuring measuring
	began     time.Time
	ended     time.Time // zero while the source counts
	shown     uint64    // drop records
	unshown   uint64
	merged    uint64
	held      []held
	// unshownNotices counts the notices of a run without Config.Notices.
	unshownNotices uint64
}

// Run follows the source until the context ends, the duration is over or there are as
// many records as Config.Records. Then it writes the summary. An error of the sink,
// which satisfies ErrOutput, ends it without a summary.
func Run(ctx context.Context, cfg Config) error {
	cfg.MaxWait, cfg.MaxUndirected = cmp.Or(cfg.MaxWait, maxWait), cmp.Or(cfg.MaxUndirected, undirectedFor)
	cfg.MaxUnfound = cmp.Or(cfg.MaxUnfound, unfoundFor)
	w := &watcher{
		Config: cfg, coalescer: newCoalescer(maxPending), tally: newTally(cmp.Or(cfg.MaxSources, 65536)), places: newPlaces(),
		reader: newReader(&cfg), schedule: schedule{met: map[netns.ID]bool{}},
	}
	if err := w.start(); err != nil {
		return err
	}
	w.recorder = newRecorder(&cfg, w.places)
	w.recorder.start(w.Source.Wake)
	w.sampler = newSampler(&cfg, w.recorder.send)
	w.measuring = measuring{next: w.began.Add(cfg.Samples)}
	err := w.announce()
	if err == nil {
		err = w.follow(ctx)
	}
	if !errors.Is(err, ErrOutput) {
		err = errors.Join(err, w.stop(), w.finish())
	}
	w.sampler.stop()
	w.reader.finish() // nothing is under way but after an error of the sink
	// An error of the recorder may be known already.
	if closed := w.recorder.close(); closed != nil && !errors.Is(err, ErrOutput) {
		err = errors.Join(err, w.output(closed))
	}
	if errors.Is(err, ErrOutput) {
		err = errors.Join(err, w.Source.Stop())
	}
	return err
}

func (w *watcher) start() error {
	w.setCoverage(w.Source.Coverage())
	base, err := w.Counters.Sample(nstat.Wanted{Deep: true, All: true})
	if err != nil {
		return err
	}
	w.namespaces, w.directory = newNamespaces(base.Sample, w.Netns, w.Now()), base.Directory
	if err := w.Source.Start(); err != nil {
		return err
	}
	w.began = w.Now()
	w.sample(false, true)
	return nil
}

func (w *watcher) announce() error {
	start := stream.Start{
		Time: w.began, Version: w.Version, Machine: w.Machine,
		Hooks: w.coverage.Hooks, Blind: w.attributor.Blind(),
	}
	return w.tell(func(to stream.Sink) error { return to.Start(start) })
}

// tell hands a call of the sink over to the recorder.
func (w *watcher) tell(call func(stream.Sink) error) error {
	return w.output(w.recorder.send(message{call: call}))
}

func (w *watcher) output(errs ...error) error {
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: %w", ErrOutput, err)
	}
	return nil
}

// follow reads until the source has ended.
func (w *watcher) follow(ctx context.Context) error {
	defer context.AfterFunc(ctx, w.Source.Wake)()
	for {
		events, err := w.Source.Read(w.nextDuty())
		if r, done := w.reader.done(); done {
			w.enter(&r, false)
		}
		if cov := w.Source.Coverage(); w.changed(&cov) {
			w.setCoverage(cov)
		}
		if err := w.take(events); err != nil {
			return err
		}
		if err := w.output(w.recorder.failed()); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read drops: %w", err)
		}
		if err := w.proceed(ctx, w.Now()); err != nil {
			return err
		}
	}
}

// proceed does what is due, which is nothing after the end of the counting.
func (w *watcher) proceed(ctx context.Context, now time.Time) error {
	switch {
	case !w.ended.IsZero():
		return nil
	case w.over(ctx, now):
		return w.stop()
	}
	w.beginReading(now) // before a measure, which waits for it
	if w.toMeasure(now) {
		w.measure(now)
	}
	return nil
}

// nextDuty is when there will be something to do even if nothing happens; zero
// for now.
func (w *watcher) nextDuty() time.Time {
	if len(w.held) > 0 || w.coalescer.busy() {
		return time.Time{}
	}
	next := w.schedule.next
	if w.reader.busy { // and wakes the source when it is done
		next = w.Now().Add(sampleEvery)
	}
	if end := w.began.Add(w.Duration); w.Duration > 0 && end.Before(next) {
		next = end
	}
	if at, due := w.nextMeasure(); due && at.Before(next) {
		next = at
	}
	return next
}

// take handles what one read returned.
func (w *watcher) take(events []event.Event) error {
	now := w.Now()
	inOrder := w.attribute(events, now)
	slices.SortStableFunc(inOrder, func(a, b attributed) int { return a.event.Time.Compare(b.event.Time) })
	if err := w.handleHeld(now); err != nil {
		return w.output(err)
	}
	for _, a := range inOrder {
		n := w.attributeCounters(a.event, a.rule, now)
		w.search(n)
		if err := w.handle(a.event, a.rule, n, now); err != nil {
			return w.output(err)
		}
	}
	if err := w.emit(w.coalescer.due(now)...); err != nil {
		return w.output(err)
	}
	return w.output(w.handOver())
}

func (w *watcher) over(ctx context.Context, now time.Time) bool {
	return ctx.Err() != nil || w.Duration > 0 && now.Sub(w.began) >= w.Duration ||
		w.Records > 0 && w.shown >= w.Records
}

// handleDirected counts one event and records it, or leaves it pending.
func (w *watcher) handleDirected(e *event.Event, rule *cause.Rule, now time.Time) error {
	if !w.direction(e.Direction) {
		return nil
	}
	if rule.Cause.Kind == cause.Notice && !w.Notices {
		w.unshownNotices += e.Count
		return nil
	}
	n := w.namespaces.of(e.Netns, now)
	w.tally.add(rule.Cause, e)
	w.places.count(placeOf(rule.Cause, n, e), e, rule.Stage)
	w.merged += e.Merged
	r := located{stream.Record{Event: *e, Cause: rule.Cause, Stage: rule.Stage, NetnsName: w.name(n)}, n}
	if w.EveryDrop || w.coalescer.add(r, now) {
		return w.emit(r)
	}
	return nil
}

// emit passes records on, until there are Config.Records drop records.
func (w *watcher) emit(records ...located) error {
	for _, r := range records {
		drop := r.Cause.Kind == cause.Drop
		if w.Records > 0 && w.shown >= w.Records {
			if drop {
				w.unshown += r.Count
			}
			continue
		}
		if drop {
			w.shown++
		}
		w.batch = append(w.batch, r)
		if len(w.batch) < maxBatch {
			continue
		}
		if err := w.handOver(); err != nil {
			return err
		}
	}
	return nil
}

// handOver hands the records that there are over to the recorder.
func (w *watcher) handOver() error {
	if len(w.batch) == 0 {
		return nil
	}
	batch := w.batch
	w.batch = w.recorder.batch()
	return w.recorder.send(message{records: batch})
}
