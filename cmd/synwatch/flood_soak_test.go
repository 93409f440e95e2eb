// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/procfs"
	"github.com/synwatch/synwatch/pkg/flood"
)

const (
	soakSources = 1000   // at a time
	soakFresh   = 500    // sources that are new, each second
	soakRoom    = 10_000 // full by the time that memory is looked at
	// steady is the least time after which memory is expected to be flat.
	steady = 30 * time.Second
	// unsteady files come and go with the rate: the second program on the tracepoint
	// (pkg/probe/recursion.go).
	unsteady = 1
)

// TestFloodSoak drops packets of two causes, 50,000 a second (in a VM fewer),
// from sources that come and go, for SYNWATCH_SOAK, or half a minute, or some
// seconds in a VM: all counts are exact, and the tracer needs no more files and no more
// memory as time goes by.
func TestFloodSoak(t *testing.T) {
	d, err := time.ParseDuration(cmp.Or(os.Getenv("SYNWATCH_SOAK"), natively("30s", "5s")))
	if err != nil {
		t.Fatal(err)
	}
	f := newFloods(t)
	// Of each cause on each CPU.
	rate := natively[uint64](50_000, 5000) / 2 / uint64(len(f.lab.CPUs()))
	f.addMixed(flood.Mix{Sources: soakSources, Churn: uint32(rate / soakFresh)})
	p := startProcess(t, f.only("--max-sources", strconv.Itoa(soakRoom))...)
	usage := p.sample(d / 4)
	skipIfCannot(t, f.sendFor(d, rate))
	samples := usage()
	o := p.stop()
	v := f.compare(o)
	if v.partial != 0 || v.missing != 0 || v.sourceless != 0 || o.summary.Unattributed != 0 {
		t.Errorf("of %d sources, too few drops were reported of %d, none of %d more; without a source %d, unattributed %d",
			v.sources, v.partial, v.missing, v.sourceless, o.summary.Unattributed)
	}
	t.Logf("%d drops in %v, of %d sources, in %d lines", v.drops, d, v.sources, o.lines)
	checkFlat(t, d, samples)
}

// sample is what a process holds at a time.
type sample struct {
	files  int
	memory uint64 // bytes resident
}

// sample takes samples, from a while on, until it is asked for them.
func (p *process) sample(from time.Duration) func() []sample {
	stop, done := make(chan struct{}), make(chan []sample)
	go func() {
		var all []sample
		defer func() { done <- all }()
		wait := time.After(from)
		for {
			select {
			case <-stop:
				return
			case <-wait:
			}
			s, err := sampleOf(p.cmd.Process.Pid)
			if err != nil {
				p.t.Error(err)
				return
			}
			all = append(all, s)
			wait = time.After(250 * time.Millisecond)
		}
	}()
	return func() []sample {
		close(stop)
		return <-done
	}
}

func sampleOf(pid int) (s sample, err error) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return s, err
	}
	if s.files, err = proc.FileDescriptorsLen(); err != nil {
		return s, err
	}
	status, err := proc.NewStatus()
	s.memory = status.VmRSS
	return s, err
}

// checkFlat demands that the second half of the samples has not more than the
// first: of files at the least, as some are open for a moment only, and of
// memory at the most, give or take what a garbage collector does.
func checkFlat(t *testing.T, d time.Duration, samples []sample) {
	t.Helper()
	if len(samples) < 4 {
		t.Fatalf("%d samples", len(samples))
	}
	before, after := extremes(samples[:len(samples)/2]), extremes(samples[len(samples)/2:])
	t.Logf("files: at least %d, then %d; memory: at most %d KB, then %d KB", before.files, after.files, before.memory>>10, after.memory>>10)
	if after.files > before.files+unsteady {
		t.Errorf("%d files were open, and later %d", before.files, after.files)
	}
	const slack = 4 << 20
	if d >= steady && after.memory > before.memory+before.memory/10+slack {
		t.Errorf("%d KB were resident, and later %d KB", before.memory>>10, after.memory>>10)
	}
}

// extremes are the least files and the most memory.
func extremes(samples []sample) sample {
	out := samples[0]
	for _, s := range samples {
		out = sample{min(out.files, s.files), max(out.memory, s.memory)}
	}
	return out
}
