// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/flood"
	"github.com/synwatch/synwatch/pkg/needs"
)

// TestFloodInterrupted has a task on one CPU drop messages, and another CPU steer a
// flood to that CPU, whose softirqs interrupt the task. Where one interrupts a program
// of the tracer, the kernel does not run that program again
// (kernel/trace/bpf_trace.c:__bpf_trace_run): the second program must count these drops.
func TestFloodInterrupted(t *testing.T) {
	needs.VM(t) // this interrupts whatever task runs
	f := newFloods(t)
	needs.CPUs(t, 2) // one interrupts the other
	cpus := f.lab.CPUs()
	cf := f.add("closed-port", func(to netip.AddrPort) (sender, error) {
		s, err := f.lab.NewSender(to, flood.Mix{Sources: 16})
		return single{s, cpus[0]}, err
	})
	if err := f.lab.ServerDo(func() error { return steer(cpus[1]) }); err != nil {
		t.Fatal(err)
	}
	p := startProcess(t, f.only()...)
	dropInTask(t, cpus[1:2])
	cf.sendBursts(t, 5*time.Second)
	f.checkExact(p.stop())
}

// sendBursts has packets dropped for a time.
func (cf *causeFlood) sendBursts(t *testing.T, d time.Duration) {
	t.Helper()
	const burst = 500 // a CPU's backlog takes 1000
	var sent uint64
	for deadline := time.Now().Add(d); time.Now().Before(deadline); {
		skipIfCannot(t, cf.sender.Send(t.Context(), burst))
		sent += burst
		cf.awaitDropped(t, sent)
	}
}

// steer has all packets that come in processed by one CPU. It must be called
// from a thread in the namespace that is not used again.
func steer(cpu int) error {
	return setDevice("queues/rx-0/rps_cpus", strconv.FormatUint(1<<cpu, 16))
}

// awaitDropped waits until the kernel has dropped so many.
func (cf *causeFlood) awaitDropped(t *testing.T, n uint64) {
	t.Helper()
	var got uint64
	for deadline := time.Now().Add(hang); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		var err error
		if got, err = cf.target.Dropped(); err != nil {
			t.Fatal(err)
		}
		if got >= n {
			return
		}
	}
	t.Fatalf("the kernel has dropped %d of %d", got, n)
}
