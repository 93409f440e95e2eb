// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/synwatch/synwatch/pkg/provoke"
	"golang.org/x/sys/unix"
)

const (
	// vethBurst is less than a veth's queue takes (drivers/net/veth.c:VETH_RING_SIZE).
	vethBurst = 128
	// vethLimit bounds the wait for the server to receive frames.
	vethLimit = 10 * time.Second
	// vethPatience is how long frames may be on their way.
	vethPatience = 500 * time.Millisecond
)

// Deliver is Send for all kernels. Where the kernel does not send live frames, the
// client sends them over the veth, which takes much longer, and the program writes
// their sources as the server receives them.
func (s *Sender) Deliver(ctx context.Context, cpu int, n uint64) error {
	_, err := s.Send(ctx, cpu, n)
	if !errors.Is(err, errNoLiveFrames) {
		return err
	}
	fd, err := s.lab.OpenOutlet()
	if err != nil {
		return err
	}
	err = s.lab.ServerDo(func() error {
		if err := provoke.PinTo(cpu); err != nil {
			return err
		}
		return s.overVeth(ctx, fd, n)
	})
	return errors.Join(err, unix.Close(fd))
}

// overVeth sends frames until the program has passed n of them.
func (s *Sender) overVeth(ctx context.Context, fd int, n uint64) error {
	if err := s.limit(n); err != nil {
		return err
	}
	left, since := n, time.Now()
	for left > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if time.Since(since) > vethLimit {
			return fmt.Errorf("%d frames were sent and not received", left)
		}
		burst := min(left, vethBurst)
		if err := s.write(fd, burst); err != nil {
			return err
		}
		now, err := s.await(left - burst)
		if err != nil {
			return err
		}
		if now < left {
			left, since = now, time.Now()
		}
	}
	return settled()
}

// await returns how many frames the program is still to pass, when these are no more
// than left or when a queue seems to have dropped some: of frames that are sent again too
// early the program would drop the first ones.
func (s *Sender) await(left uint64) (uint64, error) {
	for end := time.Now().Add(vethPatience); ; time.Sleep(vethPatience / 1000) {
		state, err := s.state()
		if err != nil {
			return 0, err
		}
		if now := state.Limit - state.Passed; now <= left || time.Now().After(end) {
			return now, nil
		}
	}
}

func (s *Sender) write(fd int, n uint64) error {
	for range n {
		_, err := unix.Write(fd, s.frame)
		// A full queue drops it; another one is sent instead.
		if err != nil && !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("send frame: %w", err)
		}
	}
	return nil
}

// settled returns when the softirqs that run now have ended on all CPUs.
func settled() error {
	const global = 1 // MEMBARRIER_CMD_GLOBAL, include/uapi/linux/membarrier.h
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, global, 0, 0); errno != 0 {
		return fmt.Errorf("wait for softirqs: %w", errno)
	}
	return nil
}
