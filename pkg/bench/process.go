// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"time"

	"github.com/prometheus/procfs"
)

// usage is what a process has used so far.
type usage struct {
	cpu    time.Duration
	memory uint64 // bytes that were resident at most
}

// usageOf reads the usage of a process; that of none is nothing.
func usageOf(pid int) (usage, error) {
	if pid == 0 {
		return usage{}, nil
	}
	p, err := procfs.NewProc(pid)
	if err != nil {
		return usage{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	stat, err := p.Stat()
	if err != nil {
		return usage{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	status, err := p.NewStatus()
	if err != nil {
		return usage{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	return usage{time.Duration(stat.CPUTime() * float64(time.Second)), status.VmHWM}, nil
}
