// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/probe"
)

// TestKernelRests: where nothing is counted there are no ticks, and the first drop
// is seen all the same.
func TestKernelRests(t *testing.T) {
	needs.FewKernels(t)
	lab := newLab(t)
	tr, err := probe.Open(probe.Options{
		BTF: os.Getenv("SYNWATCH_TEST_BTF"), Filter: probe.Filter{Netns: []uint32{lab.Netns()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Start(); err != nil {
		t.Fatal(err)
	}
	reads, ended := make(chan int, 100), make(chan error, 1)
	go func() { ended <- readAll(tr, reads) }()
	awaitRest(reads)
	provokeIn(t, lab, "no-listener")
	awaitEvents(t, reads)
	awaitRest(reads)
	if err := errors.Join(tr.Stop(), <-ended, tr.Close()); err != nil {
		t.Error(err)
	}
}

// readAll sends how many events each read had.
func readAll(tr *probe.Tracer, reads chan<- int) error {
	never := time.Now().Add(time.Hour)
	for {
		events, err := tr.Read(never)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		reads <- len(events)
	}
}

// awaitRest returns when many ticks would have passed since the last read.
func awaitRest(reads <-chan int) {
	for {
		select {
		case <-reads:
		case <-time.After(3 * time.Second):
			return
		}
	}
}

func awaitEvents(t *testing.T, reads <-chan int) {
	t.Helper()
	for {
		select {
		case n := <-reads:
			if n > 0 {
				return
			}
		case <-time.After(hang):
			t.Fatal("nothing has woken the reader")
		}
	}
}
