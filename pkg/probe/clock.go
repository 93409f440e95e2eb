// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// clock is a timer of the kernel's, a third of the cost of one of Go's. Where
// there are few drops, ten ticks a second are most of what a run costs: for a
// timer of its own, and for each ordinary system call, the Go runtime wakes a
// second thread.
type clock struct {
	file     *os.File
	conn     syscall.RawConn
	interval time.Duration
}

// newClock returns a clock that ticks from now on. One tick
// is kept for the next wait.
func newClock(interval time.Duration) (*clock, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create timer: %w", err)
	}
	c := &clock{file: os.NewFile(uintptr(fd), "timer"), interval: interval}
	if c.conn, err = c.file.SyscallConn(); err == nil {
		err = c.set(interval)
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// set makes the clock tick after first and then at each interval; not at all if
// first is 0.
func (c *clock) set(first time.Duration) error {
	spec := unix.ItimerSpec{
		Value: unix.NsecToTimespec(first.Nanoseconds()), Interval: unix.NsecToTimespec(c.interval.Nanoseconds()),
	}
	var err error
	if closed := c.conn.Control(func(fd uintptr) {
		err = unix.TimerfdSettime(int(fd), 0, &spec, nil)
	}); closed != nil {
		return closed
	}
	if err != nil {
		return fmt.Errorf("set timer: %w", err)
	}
	return nil
}

// wait returns at the next tick.
func (c *clock) wait() error {
	var ticks uint64
	return c.conn.Read(func(fd uintptr) bool {
		_, _, errno := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&ticks)), unsafe.Sizeof(ticks))
		return errno != unix.EAGAIN
	})
}

// close ends the clock. It may be called more than once.
func (c *clock) close() error { return closeFile(c.file) }

// closeFile closes a file unless it is closed.
func closeFile(f *os.File) error {
	if err := f.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
