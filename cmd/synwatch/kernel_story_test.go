// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/provoke"
)

// TestKernelStoryNode is a container host with four faults at once: every record is
// exact, and who reads the summary knows all four, and what to do.
func TestKernelStoryNode(t *testing.T) {
	needs.FewKernels(t)
	needs.Root(t)
	needs.Able(t, provoke.MissingForStory(), provoke.ErrMissing)
	loadModules()
	for _, family := range []provoke.Family{provoke.V4, provoke.V6} {
		t.Run(family.String(), func(t *testing.T) { testStory(t, family) })
	}
}

func testStory(t *testing.T, family provoke.Family) {
	lab := newLab(t)
	s := startPatiently(t, patient, only(lab)...)
	reader := startReading(t, only(lab)...)
	awaitModules(t, s)
	// The namespaces have their names, and their listeners are open, until it returns.
	lab.Provoked = func(_ context.Context, want provoke.Expect) {
		s.await(lab.Netns(), total(want.Drops))
		reader.await(len(want.Drops))
	}
	tale, err := provoke.Story(t.Context(), lab, family)
	if err != nil {
		t.Fatal(err)
	}
	text := reader.stop()
	records, summary := s.stop()
	want := tale.Expect()
	checkCounts(t, records, want.Drops)
	checkCounters(t, summary, lab.Netns(), want.Counters)
	t.Logf("what a user sees:\n%s", text)
	checkTold(t, text, tale)
}

// checkTold demands of the text that it tells each of the faults and what to do.
func checkTold(t *testing.T, text string, tale provoke.Tale) {
	t.Helper()
	_, summary, ok := strings.Cut(text, " drops in ")
	if !ok {
		t.Fatal("there is no summary")
	}
	for fault, words := range map[string][]string{
		"policy":     {"netfilter-drop", tale.Policy.Drops[0].Src.String(), tale.Containers[0].Name, "hook forward"},
		"stale":      {"neighbour-unresolved", tale.Stale.Drops[0].Dst.Addr().String()},
		"source NAT": {"conntrack-clash", tale.SourceNAT.Drops[0].Src.String(), "random"},
		"full table": {"conntrack-table-full", tale.Full.Drops[0].Src.String(), "nf_conntrack_max"},
	} {
		for _, word := range words {
			if !strings.Contains(summary, word) {
				t.Errorf("%s: the summary does not say %q", fault, word)
			}
		}
	}
}

// reading is a trace whose text a user reads.
type reading struct {
	t         *testing.T
	interrupt context.CancelFunc
	stdout    lockedBuffer
	stderr    lockedBuffer
	status    chan int
}

// lockedBuffer can be read while it is written to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func startReading(t *testing.T, flags ...string) *reading {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &reading{t: t, interrupt: cancel, status: make(chan int, 1)}
	e := testEnv()
	e.stdout, e.stderr, e.patience = &r.stdout, &r.stderr, patient
	args := append([]string{"trace", "--color", "never"}, btfFlag()...)
	go func() { r.status <- run(ctx, e, append(args, flags...)) }()
	for deadline := time.Now().Add(hang); !strings.Contains(r.stderr.String(), "Ctrl-C"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the trace did not start: %s", r.stderr.String())
		}
	}
	return r
}

// await waits until there is a line of each of so many drops, or for a while.
func (r *reading) await(drops int) {
	lines := func() int { return strings.Count(r.stdout.String(), " ×") }
	for deadline := time.Now().Add(time.Minute); lines() < drops && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
}

// stop interrupts the trace and returns what it wrote.
func (r *reading) stop() string {
	r.t.Helper()
	r.interrupt()
	select {
	case status := <-r.status:
		if status != exitFine {
			r.t.Fatalf("exit status %d: %s", status, r.stderr.String())
		}
	case <-time.After(hang):
		r.t.Fatal("the trace did not end")
	}
	return r.stdout.String()
}
