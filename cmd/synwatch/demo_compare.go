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
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/watch"
)

// recorder is a sink that counts what goes to the one that it holds, to be
// compared with what was provoked.
type recorder struct {
	stream.Sink
	started func()
	source  watch.Source
	stages  []cause.Stage // at the end, and whether the kernel showed them
	traced  provoke.Tally
	drops   atomic.Uint64 // all in traced
}

// path is the addresses of packets.
type path struct {
	src netip.Addr
	dst netip.AddrPort
}

// newRecorder returns a recorder that calls started when the tracing has begun.
func newRecorder(started func()) *recorder {
	return &recorder{started: started, traced: provoke.Tally{}}
}

// between puts the recorder between a source and a sink.
func (r *recorder) between(from watch.Source, to stream.Sink) stream.Sink {
	r.source, r.Sink = from, to
	return r
}

func (r *recorder) Start(s stream.Start) error {
	defer r.started()
	return r.Sink.Start(s)
}

func (r *recorder) Record(drop stream.Record) error {
	if drop.Cause.Kind == cause.Drop {
		r.traced.Add(provokedBy(&drop))
		r.drops.Add(drop.Count)
	}
	return r.Sink.Record(drop)
}

// provokedBy is what must have been provoked to give a record.
func provokedBy(r *stream.Record) provoke.Drop {
	d := provoke.Drop{
		Cause: r.Cause.ID, Stage: r.Stage, Reason: r.Reason, Direction: r.Direction, Proto: r.Proto,
		Src: r.Src.Addr(), Dst: r.Dst, Count: r.Count,
	}
	if r.Evidence != nil {
		d.OrigDst = r.Evidence.OrigDst
	}
	if r.Target != nil {
		d.Target = r.Target.Netns.Inode
	}
	return d
}

// count is how many drops have been traced so far.
func (r *recorder) count() uint64 { return r.drops.Load() }

// await waits until so many drops have been traced, or for as long as that can
// be expected to take.
func (r *recorder) await(ctx context.Context, drops uint64) {
	for deadline := time.Now().Add(patience); r.count() < drops && time.Now().Before(deadline); {
		pause(ctx, 20*time.Millisecond)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (r *recorder) Summary(s stream.Summary) error {
	r.stages = cause.NewAttributor(r.source.Coverage()).Stages()
	return r.Sink.Summary(s)
}

// compare compares what was traced with what was provoked. A difference is an
// error, unless this kernel does not show the cause.
func (r *recorder) compare(provoked []provoke.Drop) (string, error) {
	want, unseen := provoke.Tally{}, map[path]bool{}
	var notShown []cause.Stage
	var all, seen uint64
	for _, d := range provoked {
		if d.Notice {
			continue
		}
		all += d.Count
		if s, ok := r.notShown(d.Cause, d.Stage); ok {
			unseen[path{d.Src, d.Dst}] = true
			if !slices.Contains(notShown, s) {
				notShown = append(notShown, s)
			}
			continue
		}
		seen += d.Count
		want.Add(d)
	}
	if err := differences(want, r.traced.WithTargetsOf(provoked), unseen); err != nil {
		return "", err
	}
	if notShown == nil {
		return fmt.Sprintf("%d drops provoked, %d named, none missed", all, all), nil
	}
	return fmt.Sprintf("%d drops provoked; this kernel shows %d of them, and all of these were named; it does not show %s (synwatch hooks says why)",
		all, seen, cause.JoinStages(notShown)), nil
}

// notShown finds a stage that the kernel does not show.
func (r *recorder) notShown(id, stage string) (cause.Stage, bool) {
	at := slices.IndexFunc(r.stages, func(s cause.Stage) bool {
		return s.Cause.ID == id && s.Stage == stage && !s.Seen
	})
	if at < 0 {
		return cause.Stage{}, false
	}
	return r.stages[at], true
}

// differences compares, leaving out addresses of drops that the kernel does not
// show: these may have appeared under another cause.
func differences(want, traced provoke.Tally, unseen map[path]bool) error {
	var lines []string
	for _, d := range provoke.Compare(want, traced) {
		if !unseen[path{d.Key.Src, d.Key.Dst}] {
			lines = append(lines, d.String())
		}
	}
	if lines == nil {
		return nil
	}
	slices.Sort(lines)
	return errors.New("what was traced differs from what was provoked: " + strings.Join(lines, "; "))
}
