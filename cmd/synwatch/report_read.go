// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/synwatch/synwatch/pkg/capture"
	"github.com/synwatch/synwatch/pkg/report"
	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
)

// maxNamed is how many of a file's lines that cannot be read are named one by one.
const maxNamed = 10

// maxRuns bounds the runs in a file that are told apart: what comes after them counts
// as the last.
const maxRuns = 100

var errInterrupted = errors.New("interrupted; nothing was written")

// readAll reads the captures one after the other, of which the standard input is the last.
func (r *reporter) readAll(ctx context.Context, runs [][]string) error {
	bar := r.newProgress(slices.Concat(runs...))
	defer bar.finish()
	for _, files := range runs {
		g := &captureReading{files: files, stdin: r.stdin, bar: bar, run: state.New(), ended: make(chan error, 1)}
		go g.read()
		var err error
		if slices.Contains(files, capture.Stdin) {
			bar.finish()
			err = r.follow(ctx, g)
		} else {
			err = g.wait(ctx)
		}
		if err != nil {
			return err
		}
		r.captures = append(r.captures, g.captures()...)
	}
	return nil
}

// captureReading is a capture that is being read.
type captureReading struct {
	files []string
	stdin io.Reader
	bar   *progress
	taken atomic.Uint64 // lines that the states got
	ended chan error

	mu      sync.Mutex
	before  []*state.Snapshot // of the runs that are over: a file may have several
	run     *state.State      // that is being read
	skipped report.Skipped
	growing bool
}

// wait waits for the end of a capture of files.
func (g *captureReading) wait(ctx context.Context) error {
	select {
	case err := <-g.ended:
		return err
	case <-ctx.Done():
		return errInterrupted
	}
}

// nextRun is the sink of a run that begins.
func (g *captureReading) nextRun() stream.Sink {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.before)+1 < maxRuns {
		g.before = append(g.before, g.run.Snapshot(time.Time{}))
		g.run = state.New()
	}
	return g.run
}

// captures are what was read so far, by run. The lines that were left out are with the first.
func (g *captureReading) captures() []report.Capture {
	name := g.files[0]
	if more := len(g.files) - 1; more > 0 {
		name = fmt.Sprintf("%s and %d more", name, more)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	skipped := g.skipped
	skipped.Lines = slices.Clone(skipped.Lines)
	var captures []report.Capture
	for i, run := range append(slices.Clone(g.before), g.run.Snapshot(time.Time{})) {
		c := report.Capture{File: name, Snapshot: run}
		if i > 0 {
			c.File = fmt.Sprintf("%s, run %d", name, i+1)
		}
		captures = append(captures, c)
	}
	captures[0].Skipped, captures[len(captures)-1].Growing = skipped, g.growing
	return captures
}

// read reads the files and says how that ended.
func (g *captureReading) read() {
	to := counter{capture.Split(g.run, g.nextRun), &g.taken}
	for _, path := range g.files {
		if err := g.readFile(path, to); err != nil {
			g.ended <- fmt.Errorf("%s: %w", fileWord(path), err)
			return
		}
	}
	g.ended <- nil
}

func (g *captureReading) readFile(path string, to stream.Sink) error {
	f, err := capture.Open(path, g.stdin)
	if err != nil {
		return withoutName(err)
	}
	defer f.Close()
	skipped := 0
	stats, err := capture.Read(g.bar.reader(path, f), to, capture.Options{Skipped: func(s capture.Skip) {
		if skipped++; skipped <= maxNamed {
			g.bar.say(fmt.Sprintf("%s, line %d is left out: %v", fileWord(path), s.Line, s.Why))
		}
		g.skip(path, s.Line)
	}})
	if skipped > maxNamed {
		g.bar.say(fmt.Sprintf("%s: %d of %d lines are left out", fileWord(path), skipped, stats.Lines))
	}
	if err == nil && stats.Understood() == 0 {
		err = errors.New("no line of it is of a capture, which trace --json writes")
	}
	return err
}

// skip notes a line that was left out.
func (g *captureReading) skip(path string, line uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	word := fmt.Sprint(line)
	if len(g.files) > 1 {
		word += " of " + path
	}
	g.skipped.Add(word)
}

// fileWord is what messages call a file.
func fileWord(path string) string {
	if path == capture.Stdin {
		return "standard input"
	}
	return path
}

// counter counts what a sink gets.
type counter struct {
	to    stream.Sink
	taken *atomic.Uint64
}

func (c counter) Start(s stream.Start) error     { c.taken.Add(1); return c.to.Start(s) }
func (c counter) Record(r stream.Record) error   { c.taken.Add(1); return c.to.Record(r) }
func (c counter) Sample(s stream.Sample) error   { c.taken.Add(1); return c.to.Sample(s) }
func (c counter) Summary(s stream.Summary) error { c.taken.Add(1); return c.to.Summary(s) }
func (c counter) Flush() error                   { return c.to.Flush() }
