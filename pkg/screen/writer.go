// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"errors"
	"io"
	"time"

	"github.com/synwatch/synwatch/pkg/sink"
	"github.com/synwatch/synwatch/pkg/stream"
)

// Capture is a file that a capture is written to.
type Capture = io.WriteCloser

// written is what the screen tells of a capture.
type written struct {
	file    string // empty while none is written
	records uint64
	err     error // what ended it
}

// writer writes a capture: NDJSON, as trace --json does.
type writer struct {
	written
	file Capture
	to   stream.Sink
}

func newWriter(name string, file Capture, start stream.Start) *writer {
	w := &writer{written: written{file: name}, file: file, to: sink.NewJSON(file)}
	w.do(func(to stream.Sink) error { return to.Start(start) })
	return w
}

// do writes something, unless something could not be written before.
func (w *writer) do(write func(stream.Sink) error) {
	if w.err == nil {
		w.err = write(w.to)
	}
}

func (w *writer) record(r stream.Record) {
	w.do(func(to stream.Sink) error { return to.Record(r) })
	w.records++
}

func (w *writer) close() error {
	w.do(stream.Sink.Flush)
	return errors.Join(w.err, w.file.Close())
}

// captureName is the name of a capture that begins now.
func captureName(now time.Time) string {
	return "synwatch-" + now.UTC().Format("20060102T150405Z") + ".ndjson"
}

// capture begins a capture, or ends the one that is being written. It begins with the
// queues, tables and findings that are known, and with the records from now on.
func (f *Feed) capture() (written, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.Now()
	if w := f.writer; w != nil {
		f.writer = nil
		return w.written, w.close()
	}
	name := captureName(now)
	file, err := f.Create(name)
	if err != nil {
		return written{}, err
	}
	start := f.start
	start.Time = now
	f.writer = newWriter(name, file, start)
	known := sampleOf(f.all.Snapshot(now))
	f.writer.do(func(to stream.Sink) error { return to.Sample(known) })
	return f.writer.written, f.writer.err
}

// written is how far the capture is. It is also written out now and then, so that it can
// be read while it grows.
func (f *Feed) written() written {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writer == nil {
		return written{}
	}
	f.writer.do(stream.Sink.Flush)
	return f.writer.written
}

// Close ends the capture, if one is being written.
func (f *Feed) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writer == nil {
		return nil
	}
	w := f.writer
	f.writer = nil
	return w.close()
}
