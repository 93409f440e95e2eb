// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// pipeChunk is what a pipe that is ready takes without blocking: a page, or
	// PIPE_BUF (pipe(7)).
	pipeChunk = 4096
	// grace is how long a reader may leave a full pipe unread after the end of the
	// run.
	grace = time.Second
)

// errUnread says that the run ended and the reader did not read the rest of its output.
var errUnread = errors.New("nobody reads the output")

// pipe writes to a pipe. When the context has ended it gives up a reader that
// does not read any more, so that the first Ctrl-C is enough.
type pipe struct {
	ctx  context.Context
	file *os.File
}

// untilUnread returns a writer to w. If w is a pipe, writes fail once its reader has
// stopped reading and the context has ended.
func untilUnread(ctx context.Context, w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok && isPipe(f) {
		return &pipe{ctx, f}
	}
	return w
}

func isPipe(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeNamedPipe != 0
}

func (p *pipe) Write(data []byte) (written int, err error) {
	for len(data) > 0 {
		if err := p.await(); err != nil {
			return written, err
		}
		n, err := p.file.Write(data[:min(len(data), pipeChunk)])
		written += n
		if err != nil {
			return written, err
		}
		data = data[n:]
	}
	return written, nil
}

// await returns when there is room in the pipe, or when its reader is gone.
func (p *pipe) await() error {
	var ended time.Time
	for {
		const timeout = 100 // milliseconds
		fds := []unix.PollFd{{Fd: int32(p.file.Fd()), Events: unix.POLLOUT}}
		n, err := unix.Poll(fds, timeout)
		switch {
		case n > 0: // the write returns an error
			return nil
		case err != nil && !errors.Is(err, syscall.EINTR):
			return fmt.Errorf("wait for the reader: %w", err)
		case p.ctx.Err() == nil:
		case ended.IsZero():
			ended = time.Now()
		case time.Since(ended) > grace:
			return errUnread
		}
	}
}
