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
		if p.mode == event.ModeFentry {
			continue
		}
		if n, err = missedByLink(a.link); err != nil {
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

// missedByLink is how often the kernel did not show a call to the link of a kprobe or
// of kprobe.multi at all: it was made within another one that it showed, or it
// had no room to remember one more call until its return. The kernel counts these since
// 6.7 (bpf_link_info's perf_event.kprobe.missed and kprobe_multi.missed), so it is 0
// before.
func missedByLink(l link.Link) (uint64, error) {
	info, err := l.Info()
	if errors.Is(err, link.ErrNotSupported) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if multi := info.KprobeMulti(); multi != nil {
		return multi.Missed, nil
	}
	if perf := info.PerfEvent(); perf != nil && perf.Kprobe() != nil {
		return perf.Kprobe().Missed, nil
	}
	return 0, nil
}
