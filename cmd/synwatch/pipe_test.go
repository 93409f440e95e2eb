// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fullPipe returns a pipe that takes nothing more, and how much is in it.
func fullPipe(t *testing.T) (r, w *os.File, size int) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	if err := w.SetWriteDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	size, err = w.Write(make([]byte, 1<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a pipe takes %d bytes: %v", size, err)
	}
	if err := w.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	return r, w, size
}

// trace must return; otherwise the test runs into its time limit.
func TestInterruptEndsThoughNobodyReads(t *testing.T) {
	_, w, _ := fullPipe(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var stderr bytes.Buffer
	f := newFake()
	if status := run(ctx, fakeEnv(f, w, &stderr), []string{"trace", "--json", "-q"}); status != exitFine || stderr.Len() > 0 {
		t.Errorf("status %d, %q", status, stderr.String())
	}
	if !f.stopped || !f.closed {
		t.Errorf("stopped %v, closed %v", f.stopped, f.closed)
	}
}

// As timeout(1) does it.
func TestInterruptComesTwice(t *testing.T) {
	p := startProcess(t)
	p.signal(unix.SIGINT)
	time.Sleep(5 * time.Millisecond)
	p.stop()
}

func TestInterruptLeavesReaderTime(t *testing.T) {
	r, w, size := fullPipe(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	text := make(chan string)
	go func() {
		_, _ = io.CopyN(io.Discard, r, int64(size))
		rest, _ := io.ReadAll(r)
		text <- string(rest)
	}()
	var stderr bytes.Buffer
	status := run(ctx, fakeEnv(newFake(), w, &stderr), []string{"trace"})
	w.Close()
	if got := <-text; status != exitFine || !strings.Contains(got, "6 drops in") {
		t.Errorf("status %d:\n%s", status, got)
	}
}
