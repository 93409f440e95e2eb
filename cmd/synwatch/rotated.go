// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
)

// rotation is what the flags say about a new file.
type rotation struct {
	size int64 // in bytes, of a file that is followed by another one; 0 for never
	keep int   // older files, 0 for all
}

// smallestFile holds a start with all of its hooks, and as much again of records.
const smallestFile = 64 << 10

func parseSize(s string) (int64, error) {
	wrong := fmt.Errorf("must be a size of at least %dK, e.g. 500K, 100M or 2G", smallestFile>>10)
	digits := strings.TrimRight(s, "kKMG")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, wrong
	}
	shift, known := map[string]uint{"": 0, "K": 10, "k": 10, "M": 20, "G": 30}[s[len(digits):]]
	if !known || n > math.MaxInt64>>shift || n<<shift < smallestFile {
		return 0, wrong
	}
	return n << shift, nil
}

func parseKeep(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || n == 0 {
		return 0, errors.New("must be a number of files, at least 1")
	}
	return int(n), nil
}

// check looks whether the output can be rotated.
func (r rotation) check(path string) error {
	switch {
	case r.size == 0 && r.keep == 0:
		return nil
	case r.size == 0:
		return usageError{errors.New("--rotate-keep needs --rotate-size")}
	case path == "":
		return usageError{errors.New("--rotate-size needs --output with a file")}
	}
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return usageError{fmt.Errorf("--rotate-size needs --output with a regular file, and %s is none", path)}
	}
	return nil
}

// older names the file that is n files older than the one of this name, as logrotate does:
// drops.json.1, and drops.json.1.gz of drops.json.gz.
func older(path string, n int) string {
	suffix := compression(path)
	return fmt.Sprintf("%s.%d%s", strings.TrimSuffix(path, suffix), n, suffix)
}

// shift gives a file the name of the one that is older, and that one the next, up to a
// name that is free, or that of the oldest to be kept.
func (r rotation) shift(path string) error {
	last := 0
	for r.keep == 0 || last+1 < r.keep {
		if _, err := os.Lstat(older(path, last+1)); errors.Is(err, fs.ErrNotExist) {
			break
		}
		last++
	}
	for n := last; n > 0; n-- {
		if err := os.Rename(older(path, n), older(path, n+1)); err != nil {
			return err
		}
	}
	if err := os.Rename(path, older(path, 1)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil // somebody has removed it
}

// next makes o an output to a new file of the same name.
func (r rotation) next(o *output) error {
	path := o.file.Name()
	info, err := o.file.Stat()
	if err != nil {
		return err
	}
	if err := errors.Join(o.Close(), r.shift(path)); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	fresh, err := outputTo(context.Background(), f) // which is for pipes
	if err := errors.Join(err, f.Chmod(info.Mode().Perm())); err != nil {
		return errors.Join(err, f.Close())
	}
	*o = *fresh
	return nil
}

// begin makes room for a run: what is in the file goes, unless older files are kept.
func (r rotation) begin(o *output) error {
	if r.size == 0 {
		return o.truncate()
	}
	if n, err := o.size(); err != nil || n == 0 {
		return err
	}
	return r.next(o)
}

// rotated is a sink that goes on in a new file when the one that it writes is large enough.
// Each begins with the run's start, and with what was measured so far: of that, samples
// have only what changes, and the files before may be gone.
type rotated struct {
	stream.Sink // to the file that is written now
	rotation
	out     *output
	newSink func(io.Writer) stream.Sink
	start   stream.Start
	sampled *state.State // nil before the first sample
}

// sink writes to the output, and to those that follow it.
func (r rotation) sink(o *output, newSink func(io.Writer) stream.Sink) stream.Sink {
	first := newSink(o)
	if r.size == 0 {
		return first
	}
	return &rotated{Sink: first, rotation: r, out: o, newSink: newSink}
}

// Start begins the first file.
func (r *rotated) Start(s stream.Start) error {
	r.start = s
	return r.Sink.Start(s)
}

// Record writes a record.
func (r *rotated) Record(record stream.Record) error {
	if err := r.rotate(); err != nil {
		return err
	}
	return r.Sink.Record(record)
}

// Sample writes a sample.
func (r *rotated) Sample(sample stream.Sample) error {
	if err := r.rotate(); err != nil {
		return err
	}
	if r.sampled == nil {
		r.sampled = state.New()
	}
	return errors.Join(r.sampled.Sample(sample), r.Sink.Sample(sample))
}

func (r *rotated) rotate() error {
	if n, err := r.out.size(); err != nil || n < r.size {
		return err
	}
	if err := r.Flush(); err != nil {
		return err
	}
	if err := r.next(r.out); err != nil {
		return err
	}
	r.Sink = r.newSink(r.out)
	r.start.Part++
	if err := r.Sink.Start(r.start); err != nil || r.sampled == nil {
		return err
	}
	return r.Sink.Sample(wholeSample(r.sampled))
}

// wholeSample is a sample of all that was measured last.
func wholeSample(s *state.State) stream.Sample {
	snap := s.Snapshot(time.Time{})
	return stream.Sample{
		Time: snap.Time, Losses: snap.Losses, Merged: snap.Merged, Queues: snap.Queues, Tables: snap.Tables,
		Reconcile: snap.Reconcile, Unseen: snap.Unseen, Findings: snap.Findings,
	}
}
