// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// ErrPassed says that the beginning of what came through a pipe is no longer there.
var ErrPassed = errors.New("more came through the pipe than is kept")

// spoolPiece is how much is read from a pipe at a time, in bytes.
const spoolPiece = 1 << 16

// Spool keeps what comes through a pipe in a file without a name, so that it can be read
// several times, and takes it off the pipe before it is asked for, so that who writes does
// not wait. Of what is more than the file may hold it takes one piece after the other,
// which can be read once.
type Spool struct {
	from io.Reader
	file *os.File
	most int64

	mu      sync.Mutex
	changed *sync.Cond
	size    int64  // of the file
	piece   []byte // behind the file, not read yet
	passed  bool   // a piece has been read
	err     error  // the end
}

// NewSpool returns a spool of a pipe that keeps at most so many bytes. It reads until the
// pipe ends.
func NewSpool(from io.Reader, most int64) (*Spool, error) {
	file, err := os.CreateTemp("", "synwatch-*")
	if err != nil {
		return nil, fmt.Errorf("keep what comes through the pipe: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	s := &Spool{from: from, file: file, most: most}
	s.changed = sync.NewCond(&s.mu)
	go s.fill()
	return s, nil
}

// fill takes everything off the pipe.
func (s *Spool) fill() {
	buf := make([]byte, spoolPiece)
	for {
		n, err := s.from.Read(buf)
		if n > 0 {
			err = cmp.Or(s.keep(buf[:n]), err)
		}
		if err != nil {
			s.end(err)
			return
		}
	}
}

func (s *Spool) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	s.changed.Broadcast()
}

// keep appends to the file, or hands over what has no room there.
func (s *Spool) keep(b []byte) error {
	if s.size+int64(len(b)) <= s.most { // which only this goroutine changes
		if _, err := s.file.Write(b); err != nil {
			return fmt.Errorf("keep what comes through the pipe: %w", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.size += int64(len(b))
		s.changed.Broadcast()
		return nil
	}
	s.most = 0
	s.mu.Lock()
	defer s.mu.Unlock()
	s.piece = b
	s.changed.Broadcast()
	for len(s.piece) > 0 {
		s.changed.Wait()
	}
	return nil
}

// Kept is nil as long as all is there from the beginning on, and ErrPassed after.
func (s *Spool) Kept() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.passed {
		return ErrPassed
	}
	return nil
}

// Reader reads from the beginning on, until the context ends. Only one may read at a time.
func (s *Spool) Reader(ctx context.Context) io.Reader {
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})
	return &spooled{ctx: ctx, s: s}
}

type spooled struct {
	ctx context.Context
	s   *Spool
	at  int64
}

func (r *spooled) Read(b []byte) (int, error) {
	s := r.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for r.at == s.size && len(s.piece) == 0 && s.err == nil && r.ctx.Err() == nil {
		s.changed.Wait()
	}
	switch {
	case r.ctx.Err() != nil:
		return 0, r.ctx.Err()
	case r.at < s.size:
		n, err := s.file.ReadAt(b[:min(int64(len(b)), s.size-r.at)], r.at)
		r.at += int64(n)
		return n, err
	case len(s.piece) > 0:
		n := copy(b, s.piece)
		s.piece, s.passed = s.piece[n:], true
		s.changed.Broadcast()
		return n, nil
	}
	return 0, s.err
}
