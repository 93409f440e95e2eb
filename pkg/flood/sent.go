// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"errors"
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

// timed runs fn, which sends n, on one CPU inside a network namespace.
func timed(inside func(func() error) error, cpu int, n uint64, fn func() error) (sent Sent, err error) {
	err = inside(func() error {
		if err := provoke.PinTo(cpu); err != nil {
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
