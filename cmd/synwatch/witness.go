// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/provoke"
	"github.com/synwatch/synwatch/pkg/watch"
)

// witness is a sink that remembers what went to the one it holds.
type witness struct {
	watch.Sink
	started func()
	source  watch.Source
	stages  []cause.Stage // at the end, and whether they were in sight
	traced  provoke.Tally
	drops   atomic.Uint64 // all in traced
}

// path is the way of packets.
type path struct {
	src netip.Addr
	dst netip.AddrPort
}

// newWitness returns a witness that calls started when the tracing has begun.
func newWitness(started func()) *witness {
	return &witness{started: started, traced: provoke.Tally{}}
}

// watch makes the witness watch what goes from a source to a sink.
func (w *witness) watch(from watch.Source, to watch.Sink) watch.Sink {
	w.source, w.Sink = from, to
	return w
}

func (w *witness) Start(s watch.Start) error {
	defer w.started()
	return w.Sink.Start(s)
}

func (w *witness) Record(r watch.Record) error {
	if r.Cause.Kind == cause.Drop {
		w.traced.Add(provoke.Drop{Cause: r.Cause.ID, Stage: r.Stage, Reason: r.Reason, Src: r.Src.Addr(), Dst: r.Dst, Count: r.Count})
		w.drops.Add(r.Count)
	}
	return w.Sink.Record(r)
}

// count is how many drops have been traced so far.
func (w *witness) count() uint64 { return w.drops.Load() }

// await waits until so many drops have been traced, or for as long as that can
// be expected to take.
func (w *witness) await(ctx context.Context, drops uint64) {
	for deadline := time.Now().Add(patience); w.count() < drops && time.Now().Before(deadline); {
		pause(ctx, 20*time.Millisecond)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (w *witness) Summary(s watch.Summary) error {
	w.stages = cause.NewAttributor(w.source.Coverage()).Stages()
	return w.Sink.Summary(s)
}

// compare says how what was traced compares with what was provoked. It is an
// error when what is in sight differs.
func (w *witness) compare(provoked []provoke.Drop) (string, error) {
	want, outOfSight := provoke.Tally{}, map[path]bool{}
	var hidden []cause.Stage
	var all, inSight uint64
	for _, d := range provoked {
		if d.Notice {
			continue
		}
		all += d.Count
		if s, ok := w.hidden(d.Cause, d.Stage); ok {
			outOfSight[path{d.Src, d.Dst}] = true
			if !slices.Contains(hidden, s) {
				hidden = append(hidden, s)
			}
			continue
		}
		inSight += d.Count
		want.Add(d)
	}
	if err := w.differences(want, outOfSight); err != nil {
		return "", err
	}
	if hidden == nil {
		return fmt.Sprintf("%d drops provoked, %d named, none missed", all, all), nil
	}
	return fmt.Sprintf("%d drops provoked; of these %d are in sight on this kernel, and all of them were named; not in sight: %s (synwatch hooks says why)",
		all, inSight, watch.JoinStages(hidden)), nil
}

// hidden finds a stage that was out of sight.
func (w *witness) hidden(id, stage string) (cause.Stage, bool) {
	at := slices.IndexFunc(w.stages, func(s cause.Stage) bool {
		return s.Cause.ID == id && s.Stage == stage && !s.Seen
	})
	if at < 0 {
		return cause.Stage{}, false
	}
	return w.stages[at], true
}

// differences compares, leaving out what came by the way of drops that are out
// of sight, as these may appear under another cause.
func (w *witness) differences(want provoke.Tally, outOfSight map[path]bool) error {
	var lines []string
	for _, d := range provoke.Compare(want, w.traced) {
		if !outOfSight[path{d.Key.Src, d.Key.Dst}] {
			lines = append(lines, d.String())
		}
	}
	if lines == nil {
		return nil
	}
	slices.Sort(lines)
	return errors.New("what was traced differs from what was provoked: " + strings.Join(lines, "; "))
}
