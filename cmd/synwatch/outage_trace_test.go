// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/provoke"
)

// liveTrace is a trace that runs on a machine.
type liveTrace struct {
	*machines
	cmd    *exec.Cmd
	stderr *os.File

	mu    sync.Mutex
	lines []string
	done  chan struct{}
}

// trace starts a trace of a machine's namespace and waits until it has begun. A
// trace that writes text may begin a moment later.
func (m *machines) trace(on string, args ...string) *liveTrace {
	m.Helper()
	args = append([]string{"trace", "--netns", fmt.Sprint(m.inode(on))}, args...)
	if file := os.Getenv("SYNWATCH_TEST_BTF"); file != "" {
		args = append(args, "--btf", file)
	}
	stderr, err := os.CreateTemp(m.TempDir(), "stderr")
	m.must(err)
	l := &liveTrace{machines: m, cmd: m.program("synwatch", args...), stderr: stderr, done: make(chan struct{})}
	l.cmd.Stderr = stderr
	out, err := l.cmd.StdoutPipe()
	m.must(err)
	m.start(on, l.cmd)
	go func() {
		defer close(l.done)
		text := bufio.NewScanner(out)
		text.Buffer(nil, 1<<24)
		for text.Scan() {
			l.mu.Lock()
			l.lines = append(l.lines, text.Text())
			l.mu.Unlock()
		}
	}()
	m.Cleanup(func() { _ = l.cmd.Process.Kill() }) // if the test has failed
	m.await("the start of the trace", func() bool {
		select {
		case <-l.done:
			m.Fatalf("the trace ended: %s", l.warnings())
		default:
		}
		return len(l.sofar()) > 0 || !slices.Contains(args, "--json") && strings.Contains(l.warnings(), "tracing")
	})
	return l
}

// warnings is what the trace has written to stderr.
func (l *liveTrace) warnings() string {
	l.Helper()
	text, err := os.ReadFile(l.stderr.Name())
	l.must(err)
	return string(text)
}

func (l *liveTrace) sofar() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

// stop ends the trace as Ctrl-C does and returns its lines.
func (l *liveTrace) stop() []string {
	l.Helper()
	l.must(l.cmd.Process.Signal(syscall.SIGINT))
	<-l.done
	if err := l.cmd.Wait(); err != nil {
		l.Fatalf("%v: %s", err, l.warnings())
	}
	return l.sofar()
}

// traceReport is what a trace wrote in JSON, with the summary's findings by cause.
type traceReport struct {
	*reportedDrops
	found map[string]finding
}

type finding struct {
	ID, Severity, Title, Cause string
	Evidence                   []struct{ What, Value, Where string }
	Changes                    []struct{ Do, Command, Why string }
}

func (m *machines) parse(lines []string) traceReport {
	m.Helper()
	out := traceReport{newReportedDrops(), map[string]finding{}}
	for _, line := range lines {
		m.must(out.read([]byte(line)))
		var summary struct {
			Type     string
			Findings []finding
		}
		m.must(json.Unmarshal([]byte(line), &summary))
		if summary.Type != "summary" {
			continue // a sample has those that there were so far
		}
		for _, x := range summary.Findings {
			out.found[x.Cause] = x
		}
	}
	return out
}

// says demands that synwatch printed the wanted texts, and none that begins with "!".
func (m *machines) says(what, text string, wanted ...string) {
	m.Helper()
	flat := strings.Join(strings.Fields(text), " ") // lines are wrapped
	for _, want := range wanted {
		not, absent := strings.CutPrefix(want, "!")
		if strings.Contains(flat, not) == absent {
			m.Errorf("%s: %q in:\n%s", what, want, text)
		}
	}
}

// skipIfBlind skips the rest where this kernel does not show a cause.
func (m *machines) skipIfBlind(l *liveTrace, causes ...string) {
	m.Helper()
	for _, c := range causes {
		if line := l.sofar()[0]; strings.Contains(line[strings.Index(line, `"blind"`):], `"`+c+`"`) {
			needs.Hooks(m.T, false, "this kernel does not show "+c)
		}
	}
}

// same demands the exact counts of a cause by source.
func (m *machines) same(cause string, got traceReport, want map[netip.Addr]uint64) {
	m.Helper()
	for _, d := range provoke.Compare(want, got.counts[cause]) {
		m.Errorf("%s from %v", cause, d)
	}
}

// equalCounters demands that the kernel counted what was attributed, and that
// nothing was lost.
func (m *machines) equalCounters(got traceReport) {
	m.Helper()
	for _, row := range got.summary.Reconcile {
		if row.Kernel != row.Attributed {
			m.Errorf("%s: the kernel counted %d, attributed are %d", row.Counter, row.Kernel, row.Attributed)
		}
	}
	if len(got.summary.Reconcile) == 0 || got.summary.Lost != 0 || got.summary.Unattributed != 0 {
		m.Errorf("lost %d, unattributed %d, counters %v", got.summary.Lost, got.summary.Unattributed, got.summary.Reconcile)
	}
}

func (m *machines) status(what string, got, want int) {
	m.Helper()
	if got != want {
		m.Errorf("%s: exit status %d, want %d", what, got, want)
	}
}
