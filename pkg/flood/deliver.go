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
	// wireBurst is less than a veth's queue takes (drivers/net/veth.c:VETH_RING_SIZE).
	wireBurst = 128
	// wireLimit bounds the wait for frames to be painted.
	wireLimit = 10 * time.Second
)

// Deliver is Send, also where the kernel does not send live frames: there the
// client sends them, which takes much longer, and they are painted as the server
// receives them.
func (s *Sender) Deliver(ctx context.Context, cpu int, n uint64) error {
	_, err := s.Send(ctx, cpu, n)
	if !errors.Is(err, errNoLiveFrames) {
		return err
	}
	fd, err := s.field.OpenOutlet()
	if err != nil {
		return err
	}
	err = s.field.ServerDo(func() error {
		if err := provoke.PinTo(cpu); err != nil {
			return err
		}
		return s.overWire(ctx, fd, n)
	})
	return errors.Join(err, unix.Close(fd))
}

// overWire sends as many frames as it takes until n of them were painted.
func (s *Sender) overWire(ctx context.Context, fd int, n uint64) error {
	if err := s.limit(n); err != nil {
		return err
	}
	left, since := n, time.Now()
	for left > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if time.Since(since) > wireLimit {
			return fmt.Errorf("%d frames were sent and not received", left)
		}
		if err := s.write(fd, min(left, wireBurst)); err != nil {
			return err
		}
		state, err := s.state()
		if err != nil {
			return err
		}
		if now := state.Limit - state.Painted; now < left {
			left, since = now, time.Now()
		}
	}
	return settled()
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
