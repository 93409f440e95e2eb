// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/provoke"
	"golang.org/x/sys/unix"
)

// leastPrivilege is what README.md says a trace needs.
var leastPrivilege = []uintptr{unix.CAP_BPF, unix.CAP_PERFMON}

const nobody = 65534

// TestKernelLeastPrivilege traces as a user with these capabilities alone, while
// perf_event_open takes CAP_SYS_ADMIN, as on Debian. On a kernel with kprobe.multi every
// hook attaches, and what its hooks show is exact; on others each hook that does not
// attach says what it needs. Of the few kernels one has no fprobe, one has it with rethook
// and one with fgraph.
func TestKernelLeastPrivilege(t *testing.T) {
	needs.VM(t)
	needs.FewKernels(t)
	loadModules()
	restrictPerf(t)
	s := startAsNobody(t)
	checkHooks(t, s.start.Hooks)
	trials := provokeEach(t, []string{
		"accept-queue-full/syn", "accept-queue-full/ack", "syn-backlog-reserved",
		"conntrack-table-full", "conntrack-evicted", "conntrack-clash", "conntrack-invalid",
		"netfilter-drop", "netfilter-reject",
	})
	records, summary := s.stop()
	for _, tr := range trials {
		t.Run(tr.Name(), func(t *testing.T) {
			needs.Able(t, tr.missing, provoke.ErrMissing)
			if slices.Contains(s.start.Blind, tr.Cause) {
				t.Logf("%s is among what this kernel does not show without more", tr.Cause)
				return
			}
			mine := undirected(records, tr.lab.Netns())
			checkCounts(t, mine, tr.want.Drops)
			for _, r := range mine {
				tr.checkEvidence(t, r, event.Coverage{Hooks: s.start.Hooks})
			}
		})
	}
	if summary.Lost != 0 || summary.Unattributed != 0 {
		t.Errorf("lost %d, unattributed %d", summary.Lost, summary.Unattributed)
	}
}

// provokeEach runs provocations one after the other, each in a lab of its own.
func provokeEach(t *testing.T, names []string) (trials []*trial) {
	t.Helper()
	for _, p := range provoke.All() {
		if !slices.Contains(names, p.Name()) {
			continue
		}
		tr := &trial{Provocation: p, family: provoke.V4, missing: p.Missing()}
		if tr.missing == nil {
			tr.lab = newLab(t)
			tr.run(t)
		}
		trials = append(trials, tr)
	}
	if len(trials) != len(names) {
		t.Fatalf("%d provocations are named %v", len(trials), names)
	}
	return trials
}

// restrictPerf has perf_event_open ask for CAP_SYS_ADMIN, for the time of the test.
func restrictPerf(t *testing.T) {
	t.Helper()
	const path = "/proc/sys/kernel/perf_event_paranoid"
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(value []byte) {
		if err := os.WriteFile(path, value, 0); err != nil {
			t.Fatal(err)
		}
	}
	write([]byte("3"))
	t.Cleanup(func() { write(old) })
}

// startAsNobody returns when the trace has begun to count.
func startAsNobody(t *testing.T) *session {
	t.Helper()
	s, err := traceAsNobody(t, leastPrivilege)
	if err != nil && strings.Contains(err.Error(), "CAP_SYS_RESOURCE") { // before 5.11
		s, err = traceAsNobody(t, append(leastPrivilege, unix.CAP_SYS_RESOURCE))
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// traceAsNobody runs this program in a process of its own.
func traceAsNobody(t *testing.T, caps []uintptr) (*session, error) {
	t.Helper()
	s := &session{t: t, status: make(chan int, 1), done: make(chan struct{})}
	cmd := exec.Command("/proc/self/exe", traceArgs([]string{"--notices"})...)
	cmd.Args[0] = "synwatch"
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: nobody, Gid: nobody},
		AmbientCaps: caps,
	}
	cmd.Stderr = &s.stderr
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = w
	if err := errors.Join(cmd.Start(), w.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // if it has not ended
	s.interrupt = func() { _ = cmd.Process.Signal(unix.SIGINT) }
	started := make(chan struct{})
	go func() {
		s.collect(r, started)
		_ = cmd.Wait()
		s.status <- cmd.ProcessState.ExitCode()
	}()
	select {
	case <-started:
		return s, nil
	case <-s.done:
		return nil, fmt.Errorf("no trace: exit status %d: %s", <-s.status, bytes.TrimSpace(s.stderr.Bytes()))
	case <-time.After(hang):
		t.Fatal("the trace did not start")
		return nil, nil
	}
}

// checkHooks demands that every hook is attached if the kernel has kprobe.multi, and
// else that it says what it would take.
func checkHooks(t *testing.T, hooks []event.HookState) {
	t.Helper()
	multi := hasFunction(t, "register_fprobe_ips")
	for _, h := range hooks {
		switch {
		case h.Status != event.Unavailable, !isFunction(h.Why):
		case multi:
			t.Errorf("%s is not attached: %s", h.Name, h.Why)
		case !strings.Contains(h.Why, "CAP_SYS_ADMIN is needed") || !strings.Contains(h.Why, "CONFIG_FPROBE"):
			t.Errorf("%s does not say what it would take: %s", h.Name, h.Why)
		default:
			t.Logf("%s: %s", h.Name, h.Why)
		}
	}
}

// isFunction says whether a hook that is not attached, for this reason, has a function.
func isFunction(why string) bool {
	return !slices.ContainsFunc([]string{"no such function", "the compiler made", "this kernel has no"}, func(reason string) bool {
		return strings.HasPrefix(why, reason)
	})
}

func hasFunction(t *testing.T, name string) bool {
	t.Helper()
	symbols, err := os.ReadFile("/proc/kallsyms")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(symbols, []byte(" T "+name+"\n"))
}

// undirected are the records of a network namespace, all of which came in: whether the
// namespace has the address for which a packet was before it was routed takes
// CAP_SYS_ADMIN to know.
func undirected(records []record, netns uint32) (mine []record) {
	for _, r := range records {
		if r.Netns == netns {
			r.Direction = cmp.Or(r.Direction, event.In)
			mine = append(mine, r)
		}
	}
	return mine
}
