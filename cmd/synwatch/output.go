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

// output is where the data goes: stdout, or the file of --output.
type output struct {
	io.Writer
	file *os.File // nil for stdout
}

// openOutput creates the file but leaves what is in it: that goes when the
// tracing begins.
func (e *env) openOutput(path string) (*output, error) {
	if path == "" {
		return &output{Writer: e.stdout}, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, usageError{err}
	}
	return &output{f, f}, nil
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

func (o *output) Close() error {
	if o.file == nil {
		return nil
	}
	if err := o.file.Close(); err != nil {
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
