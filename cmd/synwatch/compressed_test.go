// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/capture"
	"github.com/synwatch/synwatch/pkg/state"
)

const lonelyDrop = `{"type":"drop","time":"2026-03-01T12:00:00Z","cause":"no-listener","count":1,"netns":7,"hook":"kfree_skb","reason":""}` + "\n"

// A run that is killed leaves what is older than a second.
func TestCompressedDataAreReadBeforeTheEnd(t *testing.T) {
	for _, suffix := range []string{".gz", ".zst"} {
		path := filepath.Join(t.TempDir(), "out"+suffix)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		w, err := compress(f, suffix)
		if err != nil {
			t.Fatal(err)
		}
		for lines := range uint64(2) {
			if _, err := io.WriteString(w, lonelyDrop); err != nil {
				t.Fatal(err)
			}
			var drops uint64
			for deadline := time.Now().Add(hang); drops != lines+1 && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
				s := state.New()
				if _, err := capture.ReadFiles([]string{path}, nil, s, capture.Options{}); err == nil {
					drops = s.Snapshot(time.Time{}).Drops
				}
			}
			if drops != lines+1 {
				t.Errorf("%s: %d of %d lines are there", suffix, drops, lines+1)
			}
		}
		if err := errors.Join(w.Close(), w.Close()); err != nil {
			t.Error(err)
		}
		readBack(t, path)
	}
}

func TestCompressionFails(t *testing.T) {
	for suffix := range packers {
		w, err := compress(&full{room: 1000}, suffix)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(w, strings.Repeat(lonelyDrop, 10))
		w.flushPending()
		for i := 0; i < 1000 && err == nil; i++ {
			_, err = io.WriteString(w, strings.Repeat(lonelyDrop, i)+strings.Repeat("x", i))
			w.flushPending()
		}
		again := w.Close()
		if _, later := w.Write([]byte("x")); err == nil || again == nil || later == nil {
			t.Errorf("%s: write %v, close %v, write %v", suffix, err, again, later)
		}
	}
}
