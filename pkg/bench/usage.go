// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// usage is what a process has used so far.
type usage struct {
	cpu    time.Duration
	memory uint64 // bytes that were resident at most
}

// usageOf reads the usage of a process, which is zero for process 0.
func usageOf(pid int) (usage, error) {
	if pid == 0 {
		return usage{}, nil
	}
	p, err := procfs.NewProc(pid)
	if err != nil {
		return usage{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	status, err := p.NewStatus()
	if err != nil {
		return usage{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	// The process's CPU clock, to the nanosecond: /proc/PID/stat has hundredths
	// of a second only (include/linux/posix-timers.h: CPUCLOCK_SCHED).
	const schedClock = 2
	var used unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedClock), &used); err != nil {
		return usage{}, fmt.Errorf("read CPU clock of process %d: %w", pid, err)
	}
	return usage{time.Duration(used.Nano()), status.VmHWM}, nil
}
