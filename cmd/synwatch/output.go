// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/charmbracelet/x/term"
	"golang.org/x/sys/unix"
)

// output is where the data goes: stdout, or the file of --output, compressed if its suffix
// says so.
type output struct {
	io.Writer
	// end is where it arrives, stdout or the file.
	end    io.Writer
	file   *os.File // nil for stdout
	lines  *lineFile
	packed *compressed // nil for what is not compressed
}

// openOutput creates the file but leaves what is in it: that goes when the
// tracing begins. Writes to a pipe are given up as untilUnread says.
func (e *env) openOutput(ctx context.Context, path string) (*output, error) {
	if path == "" {
		return &output{Writer: untilUnread(ctx, e.stdout), end: e.stdout}, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, usageError{err}
	}
	o, err := outputTo(ctx, f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return o, nil
}

// outputTo is an output to a file.
func outputTo(ctx context.Context, f *os.File) (*output, error) {
	o := &output{Writer: untilUnread(ctx, f), end: f, file: f}
	if suffix := compression(f.Name()); suffix != "" {
		packed, err := compress(o.Writer, suffix)
		if err != nil {
			return nil, err
		}
		o.Writer, o.packed = packed, packed
		return o, nil
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		o.lines = &lineFile{file: f}
		o.Writer = o.lines
	}
	return o, nil
}

// truncate empties a regular file.
func (o *output) truncate() error {
	if o.file == nil {
		return nil
	}
	if info, err := o.file.Stat(); err != nil || !info.Mode().IsRegular() {
		return err
	}
	return o.file.Truncate(0)
}

// size is that of the file, in bytes.
func (o *output) size() (int64, error) {
	info, err := o.file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Close may be called again.
func (o *output) Close() error {
	if o.file == nil {
		return nil
	}
	var packed error
	if o.packed != nil {
		packed = o.packed.Close()
	}
	err := errors.Join(packed, o.file.Close())
	o.file = nil
	if err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// untilHangup returns a context that also ends when the reader of a pipe is gone, even
// if nothing is written for a long time.
func untilHangup(ctx context.Context, w io.Writer) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	f, ok := w.(*os.File)
	if !ok || !isPipe(f) {
		return ctx, cancel
	}
	go func() {
		defer cancel()
		const timeout = 60_000 // milliseconds, after which it looks whether to end
		for ctx.Err() == nil {
			pipe := []unix.PollFd{{Fd: int32(f.Fd())}}
			n, err := unix.Poll(pipe, timeout)
			if n > 0 || err != nil && !errors.Is(err, syscall.EINTR) {
				return
			}
		}
	}()
	return ctx, cancel
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(f.Fd())
}
