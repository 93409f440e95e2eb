// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

type programID = ebpf.ProgramID

// Cost is what a BPF program used, as the kernel measures it.
type Cost struct {
	Program string        `json:"program"`
	Runs    uint64        `json:"runs"`
	Time    time.Duration `json:"time_ns"` // by the machine's clock
}

// since is the cost after an earlier one.
func (c Cost) since(before Cost) Cost {
	return Cost{c.Program, c.Runs - before.Runs, c.Time - before.Time}
}

// profiled runs fn while the kernel measures BPF programs, if that is wanted.
func (m *measurement) profiled(fn func() error) error {
	if !m.Profile {
		return fn()
	}
	stats, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
	if err != nil {
		return fmt.Errorf("have BPF programs measured: %w", err)
	}
	defer stats.Close()
	return fn()
}

// programs are the costs of all BPF programs of the machine of the kinds that trace, as
// those do not that make packets.
func programs() (map[programID]Cost, error) {
	all := map[programID]Cost{}
	for id := programID(0); ; {
		var err error
		id, err = ebpf.ProgramGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list BPF programs: %w", err)
		}
		cost, traces, err := costOf(id)
		if errors.Is(err, os.ErrNotExist) {
			continue // it is gone
		}
		if err != nil {
			return nil, err
		}
		if traces {
			all[id] = cost
		}
	}
}

// tracing are the kinds of programs that trace.
var tracing = []ebpf.ProgramType{ebpf.Tracing, ebpf.Kprobe, ebpf.TracePoint, ebpf.RawTracepoint, ebpf.PerfEvent}

func costOf(id programID) (cost Cost, traces bool, err error) {
	p, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return cost, false, fmt.Errorf("open BPF program: %w", err)
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return cost, false, fmt.Errorf("look at BPF program: %w", err)
	}
	stats, err := p.Stats()
	if err != nil {
		return cost, false, fmt.Errorf("look at BPF program: %w", err)
	}
	return Cost{info.Name, stats.RunCount, stats.Runtime}, slices.Contains(tracing, p.Type()), nil
}

// profile runs fn and returns what the BPF programs that trace cost meanwhile, if that is
// wanted.
func (m *measurement) profile(fn func() error) ([]Cost, error) {
	if !m.Profile {
		return nil, fn()
	}
	before, err := programs()
	if err != nil {
		return nil, err
	}
	if err := fn(); err != nil {
		return nil, err
	}
	after, err := programs()
	if err != nil {
		return nil, err
	}
	var out []Cost
	for id, c := range after {
		if c.Runs > before[id].Runs {
			out = append(out, c.since(before[id]))
		}
	}
	slices.SortFunc(out, func(a, b Cost) int { return int(b.Time - a.Time) })
	return out, nil
}
