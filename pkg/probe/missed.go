// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/synwatch/synwatch/pkg/event"
)

// missed is how many calls of the hooked functions the kernel did not show.
func (t *Tracer) missed() (uint64, error) {
	var total uint64
	for _, p := range t.hooks {
		n, err := p.missed()
		if err != nil {
			return 0, fmt.Errorf("read statistics of %s: %w", p.name, err)
		}
		total += n
	}
	return total, nil
}

func (p *probe) missed() (total uint64, err error) {
	for _, a := range p.programs {
		n, err := missedBy(a.prog)
		if err != nil {
			return 0, err
		}
		total += n
		if p.mode != event.ModeKprobe {
			continue
		}
		if n, err = missedByKprobe(a.link); err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// missedBy is how often the kernel did not run a program because it was running
// on that CPU already, interrupted by a softirq. Kernels before 5.12 run it all
// the same.
func missedBy(p *ebpf.Program) (uint64, error) {
	stats, err := p.Stats()
	if err != nil {
		return 0, fmt.Errorf("read program statistics: %w", err)
	}
	return stats.RecursionMisses, nil
}

// missedByKprobe is how often a kprobe was hit within another, or a kretprobe had
// no room to remember one more call. The kernel counts these since 6.7
// (bpf_link_info.perf_event.kprobe.missed), so it is 0 before.
func missedByKprobe(l link.Link) (uint64, error) {
	info, err := l.Info()
	if errors.Is(err, link.ErrNotSupported) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	perf := info.PerfEvent()
	if perf == nil || perf.Kprobe() == nil {
		return 0, nil
	}
	return perf.Kprobe().Missed, nil
}
