// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"errors"
	"fmt"
	"time"

	"github.com/synwatch/synwatch/pkg/provoke"
	"golang.org/x/sys/unix"
)

// Sent is what sending took. The server received everything on the thread that
// sent it: CPU is what sender and server together used.
type Sent struct {
	Packets uint64 // or connections
	Elapsed time.Duration
	CPU     time.Duration
}

// Thread is the thread that sends, and on which the kernel receives.
type Thread struct {
	CPU int
	// Alone says that no other thread gets the CPU while this one has something to do
	// (SCHED_FIFO). Otherwise the kernel leaves a part of the receiving to ksoftirqd when
	// another one waits, a part that differs from time to time.
	Alone bool
}

// take makes the calling thread, which must be locked, the one that is meant.
func (t Thread) take() error {
	if err := provoke.PinTo(t.CPU); err != nil || !t.Alone {
		return err
	}
	err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}, 0)
	if err != nil {
		return fmt.Errorf("put a thread before all others: %w", err)
	}
	return nil
}

// timed runs fn, which sends n, on one thread inside a network namespace.
func timed(inside func(func() error) error, on Thread, n uint64, fn func() error) (sent Sent, err error) {
	err = inside(func() error {
		if err := on.take(); err != nil {
			return err
		}
		began, used, err := clocks()
		if err != nil {
			return err
		}
		if err := fn(); err != nil {
			return err
		}
		ended, usedThen, err := clocks()
		sent = Sent{n, ended - began, usedThen - used}
		return err
	})
	return sent, err
}

// clocks are the time and the time that this thread has run.
func clocks() (now, used time.Duration, err error) {
	var wall, thread unix.Timespec
	err = errors.Join(
		unix.ClockGettime(unix.CLOCK_MONOTONIC, &wall),
		unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &thread),
	)
	return time.Duration(wall.Nano()), time.Duration(thread.Nano()), err
}
