// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// wakeup waits for the first detail: while nothing is counted, ticks would be
// most of what a run costs.
type wakeup struct {
	file  *os.File // the ring buffer, which the kernel makes readable
	conn  syscall.RawConn
	ring  *ringbuf.Reader
	woken atomic.Bool
}

func newWakeup(details *ebpf.Map, ring *ringbuf.Reader) (*wakeup, error) {
	fd, err := unix.FcntlInt(uintptr(details.FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("duplicate a map's file: %w", err)
	}
	// The Go runtime polls a file that does not block.
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(fmt.Errorf("watch the ring buffer: %w", err), unix.Close(fd))
	}
	b := &wakeup{file: os.NewFile(uintptr(fd), "details"), ring: ring}
	if b.conn, err = b.file.SyscallConn(); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// wait returns when there are details, when it is woken, or at the given time.
func (b *wakeup) wait(until time.Time) error {
	if err := b.file.SetReadDeadline(until); err != nil {
		return err
	}
	// After that, as wake does the same in the other order.
	if b.woken.Swap(false) {
		return nil
	}
	err := b.conn.Read(func(uintptr) bool { return b.ring.AvailableBytes() > 0 })
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// wake ends a wait, or the next one if there is none now.
func (b *wakeup) wake() {
	b.woken.Store(true)
	// If the deadline cannot be set, the wait ends at its own.
	_ = b.file.SetReadDeadline(time.Unix(1, 0))
}

// close ends the wakeup. It may be called more than once.
func (b *wakeup) close() error { return closeFile(b.file) }
