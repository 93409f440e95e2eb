// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/needs"
	"golang.org/x/sys/unix"
)

// process is a trace in a process of its own, whose output comes through a pipe.
type process struct {
	t        *testing.T
	cmd      *exec.Cmd
	stderr   bytes.Buffer
	out      throttle
	reported *reportedDrops
	read     chan error // gets one, when the pipe has been read to its end
}

// hang is how long a test waits for what takes a moment, and on a loaded machine
// minutes.
const hang = 5 * time.Minute

// startProcess returns when the trace has begun to count.
func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	needs.Root(t)
	loadModules()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(self, traceArgs(args)...), reported: newReportedDrops(), read: make(chan error, 1)}
	p.cmd.Args[0] = "synwatch"
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stderr = &p.stderr
	var stdout *os.File
	if p.out.pipe, stdout, err = os.Pipe(); err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout = stdout
	if err := errors.Join(p.cmd.Start(), stdout.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // if it has not ended
	go func() { p.read <- errors.Join(p.reported.readFrom(&p.out), p.out.pipe.Close()) }()
	p.awaitStart()
	return p
}

func (p *process) awaitStart() {
	p.t.Helper()
	select {
	case <-p.reported.started:
	case err := <-p.read:
		waited := p.cmd.Wait()
		var exit *exec.ExitError
		if errors.As(waited, &exit) && exit.ExitCode() == exitCannot {
			needs.Hooks(p.t, false, p.stderr.String())
		}
		p.t.Fatalf("no trace: %v, %v: %s", waited, err, p.stderr.String())
	case <-time.After(hang):
		p.t.Fatal("the trace did not start")
	}
}

// signal sends it a signal.
func (p *process) signal(sig unix.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// pause returns when all of its threads are stopped, until resume is called.
func (p *process) pause() {
	p.t.Helper()
	p.signal(unix.SIGSTOP)
	for {
		err := unix.Waitid(unix.P_PID, p.cmd.Process.Pid, nil, unix.WSTOPPED, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			p.t.Fatal(err)
		}
		return
	}
}

func (p *process) resume() {
	p.t.Helper()
	p.signal(unix.SIGCONT)
}

// slowDown has its output read slowly, and a pipe that holds a page only.
func (p *process) slowDown() {
	p.t.Helper()
	if _, err := unix.FcntlInt(p.out.pipe.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize()); err != nil {
		p.t.Fatal(err)
	}
	p.out.slow.Store(true)
}

// stop interrupts it and returns all that it reported.
func (p *process) stop() *reportedDrops {
	p.t.Helper()
	p.signal(unix.SIGINT)
	select {
	case err := <-p.read:
		if err != nil {
			p.t.Error(err)
		}
	case <-time.After(hang):
		p.t.Fatal("the trace did not end")
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatalf("%v: %s", err, p.stderr.String())
	}
	if p.reported.summary.Type != "summary" {
		p.t.Fatalf("no summary at the end: %s", p.stderr.String())
	}
	return p.reported
}

// throttle is a reader of a pipe that can be made slow.
type throttle struct {
	pipe *os.File
	slow atomic.Bool
}

// slowBytes are read at a time, and slowEvery apart: 2 KB a second.
const (
	slowBytes = 205
	slowEvery = 100 * time.Millisecond
)

func (r *throttle) Read(b []byte) (int, error) {
	if !r.slow.Load() {
		return r.pipe.Read(b)
	}
	time.Sleep(slowEvery)
	return r.pipe.Read(b[:min(len(b), slowBytes)])
}
