// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"testing/iotest"
)

func newTestSpool(t *testing.T, from io.Reader, most int64) *Spool {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s, err := NewSpool(from, most)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left in the directory: %v, %v", left, err)
	}
	return s
}

func TestSpoolIsReadAgain(t *testing.T) {
	want := bytes.Repeat([]byte("0123456789"), 50_000)
	s := newTestSpool(t, bytes.NewReader(want), 1<<20)
	for range 2 {
		if got, err := io.ReadAll(s.Reader(t.Context())); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d of %d bytes, %v", len(got), len(want), err)
		}
	}
	if err := s.Kept(); err != nil {
		t.Error(err)
	}
}

func TestSpoolPassesOnWhatItCannotKeep(t *testing.T) {
	want := bytes.Repeat([]byte("0123456789"), 50_000)
	s := newTestSpool(t, bytes.NewReader(want), 100_000)
	if got, err := io.ReadAll(s.Reader(t.Context())); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d of %d bytes, %v", len(got), len(want), err)
	}
	if err := s.Kept(); !errors.Is(err, ErrPassed) {
		t.Errorf("got %v", err)
	}
}

func TestSpoolTellsWhyThePipeEnds(t *testing.T) {
	broken := errors.New("broken")
	s := newTestSpool(t, io.MultiReader(bytes.NewReader([]byte("x")), iotest.ErrReader(broken)), 10)
	if got, err := io.ReadAll(s.Reader(t.Context())); string(got) != "x" || !errors.Is(err, broken) {
		t.Errorf("%q, %v", got, err)
	}
}

// The test would hang if the reader did not end with its context: nothing is written.
func TestSpoolIsLeftWhileItWaits(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	s := newTestSpool(t, r, 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := io.ReadAll(s.Reader(ctx))
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
