// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/capture/capturetest"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/probe"
)

// record is a line of the JSON, of any type.
type record struct {
	Type    string     `json:"type"`
	Cause   string     `json:"cause"`
	Stage   string     `json:"stage"`
	Count   uint64     `json:"count"`
	Src     netip.Addr `json:"src"`
	SrcPort uint16     `json:"src_port"`
	Dst     netip.Addr `json:"dst"`
	DstPort uint16     `json:"dst_port"`
	Netns   uint32     `json:"netns"`
	Reason  string     `json:"reason"`

	Direction   event.Direction `json:"direction"`
	Proto       string          `json:"proto"`
	OrigDst     netip.Addr      `json:"orig_dst"`
	OrigDstPort uint16          `json:"orig_dst_port"`
	Target      target          `json:"target"`

	Evidence map[string]any `json:"evidence"`

	Hooks        []event.HookState `json:"hooks"`
	Blind        []string          `json:"blind"`
	Kernel       string            `json:"kernel"`
	Drops        uint64            `json:"drops"`
	Lost         uint64            `json:"lost"`
	Missed       uint64            `json:"missed"`
	Unattributed uint64            `json:"unattributed"`
	Reconcile    []counterLine     `json:"reconcile"`
}

// target is the namespace of this machine that has the destination's address.
type target struct {
	Netns uint32 `json:"netns"`
}

type counterLine struct {
	Netns      uint32 `json:"netns"`
	Counter    string `json:"counter"`
	Kernel     uint64 `json:"kernel"`
	Attributed uint64 `json:"attributed"`
}

// session is a trace that runs beside the test, as a user would run it with
// --json, and the tracer below it.
type session struct {
	t         *testing.T
	interrupt context.CancelFunc
	stderr    bytes.Buffer
	start     record
	status    chan int

	mu      sync.Mutex
	tracer  *watchedTracer
	records []record
	done    chan struct{}
}

// watchedTracer lets the test ask what the run can see while it runs, and record
// its events.
type watchedTracer struct {
	*probe.Tracer
	recording recording
	mu        sync.Mutex
	cov       event.Coverage
}

func (w *watchedTracer) Read(until time.Time) ([]event.Event, error) {
	events, err := w.Tracer.Read(until)
	w.recording.add(events)
	return events, err
}

func (w *watchedTracer) Coverage() event.Coverage {
	cov := w.Tracer.Coverage()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cov = cov
	return cov
}

func (w *watchedTracer) last() event.Coverage {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cov
}

// How long a record may wait for whose namespace it was for, and for its direction
// always does: on an emulated machine it takes up to minutes to find a namespace among
// hundreds.
const (
	impatient = time.Second
	patient   = hang / 2
)

// startTrace returns when the trace has begun to count.
func startTrace(t *testing.T, args ...string) *session {
	t.Helper()
	return startPatiently(t, impatient, args...)
}

// startPatiently does so with records that wait for what is known of them.
func startPatiently(t *testing.T, patience time.Duration, args ...string) *session {
	t.Helper()
	needs.Root(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := &session{t: t, interrupt: cancel, status: make(chan int, 1), done: make(chan struct{})}
	r, w := io.Pipe()
	e := realEnv()
	e.stdout, e.stderr, e.patience, e.undirected = w, &s.stderr, patience, patient
	e.open = s.open
	started := make(chan struct{})
	go func() {
		s.status <- run(ctx, e, traceArgs(args))
		w.Close()
	}()
	go s.collect(r, started)
	select {
	case <-started:
	case <-s.done:
		t.Fatalf("no trace: exit status %d: %s", <-s.status, s.stderr.String())
	case <-time.After(hang):
		t.Fatal("the trace did not start")
	}
	return s
}

// traceArgs is the command line of a trace with more flags.
func traceArgs(flags []string) []string {
	return slices.Concat([]string{"trace", "--json"}, btfFlag(), flags)
}

// btfFlag is for a kernel without BTF of its own.
func btfFlag() []string {
	if file := os.Getenv("SYNWATCH_TEST_BTF"); file != "" {
		return []string{"--btf", file}
	}
	return nil
}

func (s *session) open(o probe.Options) (tracer, error) {
	tr, err := probe.Open(withoutModes(o))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tracer = &watchedTracer{Tracer: tr, recording: newRecording()}
	return s.tracer, nil
}

func (s *session) collect(r io.Reader, started chan<- struct{}) {
	defer close(s.done)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<24)
	var schema capturetest.Checker
	for lines.Scan() {
		if err := schema.Check(lines.Bytes()); err != nil {
			s.t.Errorf("%v in %s", err, lines.Text())
		}
		var rec record
		if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
			s.t.Errorf("%v in %s", err, lines.Text())
			continue
		}
		switch rec.Type {
		case "start":
			s.start = rec
			close(started)
			continue
		case "sample":
			continue
		}
		s.mu.Lock()
		s.records = append(s.records, rec)
		s.mu.Unlock()
	}
}

// coverage is what the run sees now.
func (s *session) coverage() event.Coverage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tracer.last()
}

// await waits until so many drops have been reported in a namespace, or for a while:
// this kernel may not show them.
func (s *session) await(netns uint32, drops uint64) {
	for deadline := time.Now().Add(time.Minute); s.reported(netns) < drops && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
}

func (s *session) reported(netns uint32) (n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		if r.Type == "drop" && r.Netns == netns {
			n += r.Count
		}
	}
	return n
}

// stop interrupts the trace as Ctrl-C would, and returns the records and the
// summary.
func (s *session) stop() ([]record, record) {
	s.t.Helper()
	s.interrupt()
	return s.wait()
}

// wait is stop for a trace that ends by itself.
func (s *session) wait() ([]record, record) {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(hang):
		s.t.Fatal("the trace did not end")
	}
	if status := <-s.status; status != exitFine {
		s.t.Fatalf("exit status %d: %s", status, s.stderr.String())
	}
	last := len(s.records) - 1
	if last < 0 || s.records[last].Type != "summary" {
		s.t.Fatalf("no summary at the end: %s", s.stderr.String())
	}
	return s.records[:last], s.records[last]
}

func (r record) String() string {
	return fmt.Sprintf("%s %s ×%d netns %d %v", r.Type, r.drop(), r.Count, r.Netns, r.Evidence)
}
