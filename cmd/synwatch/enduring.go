// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/synwatch/synwatch/pkg/sink"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/text"
	"github.com/synwatch/synwatch/pkg/watch"
)

// enduring is a sink that takes what a run says even when the one that it holds has failed,
// as on a full disk. It ends the run then, which comes to its summary so.
type enduring struct {
	stream.Sink
	end     func()
	err     error           // at which it failed
	summary *stream.Summary // of a run that has come to it
}

func (e *enduring) Start(s stream.Start) error {
	return e.try(func() error { return e.Sink.Start(s) })
}

func (e *enduring) Record(r stream.Record) error {
	return e.try(func() error { return e.Sink.Record(r) })
}

func (e *enduring) Sample(s stream.Sample) error {
	return e.try(func() error { return e.Sink.Sample(s) })
}

func (e *enduring) Summary(s stream.Summary) error {
	e.summary = &s
	return e.try(func() error { return e.Sink.Summary(s) })
}

func (e *enduring) Flush() error { return e.try(e.Sink.Flush) }

// try returns only that nobody reads any more, which ends a run without a summary.
func (e *enduring) try(write func() error) error {
	if e.err != nil {
		return nil
	}
	err := write()
	if err == nil || unread(err) {
		return err
	}
	e.err = fmt.Errorf("%w: %w", watch.ErrOutput, err)
	e.end()
	return nil
}

// unread says whether an error is that a pipe's reader is gone, or does not read.
func unread(err error) bool { return errors.Is(err, syscall.EPIPE) || errors.Is(err, errUnread) }

// conclude closes the output of a run. The summary that it could not take goes to stderr.
func (e *env) conclude(to *enduring, out *output) error {
	err := to.err
	if closed := out.Close(); err == nil {
		err = closed
	}
	if err == nil || unread(err) || to.summary == nil {
		return err
	}
	summary := sink.NewText(e.stderr, text.Palette{})
	return errors.Join(err, summary.Summary(*to.summary), summary.Flush())
}
