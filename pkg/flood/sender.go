// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

const (
	liveFrames = 1 << 1 // BPF_F_TEST_XDP_LIVE_FRAMES, include/uapi/linux/bpf.h
	// burst is how many frames one system call makes.
	burst = 1 << 16
)

var errNoLiveFrames = fmt.Errorf("%w: the kernel does not send live frames (BPF_F_TEST_XDP_LIVE_FRAMES, Linux 5.18)", ErrCannot)

// Sender makes the server receive SYNs, or RSTs, to one address from a number of sources.
type Sender struct {
	lab   *Lab
	id    uint32
	first netip.Addr
	mix   Mix
	frame []byte
}

// NewSender returns a sender of SYNs to dst from a mix of Sources.
func (l *Lab) NewSender(dst netip.AddrPort, m Mix) (*Sender, error) {
	if m.Sources == 0 || m.Sources > MaxSources {
		return nil, fmt.Errorf("%d sources: want 1 to %d", m.Sources, MaxSources)
	}
	return l.newSender(dst, Sources.Addr(), MaxSources-1, m)
}

// NewSingle returns a sender of SYNs to dst that come from one of Singles.
func (l *Lab) NewSingle(dst netip.AddrPort, from netip.Addr) (*Sender, error) {
	return l.newSender(dst, from, 0, Mix{Sources: 1})
}

func (l *Lab) newSender(dst netip.AddrPort, from netip.Addr, mask uint32, m Mix) (*Sender, error) {
	id := l.numSenders
	t, err := newTemplate(l.inlet, dst, uint16(id), m.Reset)
	if err != nil {
		return nil, err
	}
	first := from.As4()
	err = l.senders.Put(id, &floodSender{
		Sources: m.Sources, Churn: m.Churn, Mask: mask, Random: m.random(),
		FirstSource: uint32(first[0])<<8 | uint32(first[1]), IpSum: t.ipSum, TcpSum: t.tcpSum,
	})
	if err != nil {
		return nil, fmt.Errorf("add sender %d: %w", id, err)
	}
	l.numSenders++
	return &Sender{l, id, from, m, t.frame}, nil
}

// Send makes the server receive n packets on one CPU and returns when it has
// processed them.
func (s *Sender) Send(ctx context.Context, cpu int, n uint64) (Sent, error) {
	return timed(s.lab.ServerDo, Thread{CPU: cpu}, n, func() error { return s.sendAll(ctx, n) })
}

// Counts is how many packets came from each source so far.
func (s *Sender) Counts() (map[netip.Addr]uint64, error) {
	state, err := s.state()
	if err != nil {
		return nil, err
	}
	return s.mix.counts(s.first, state.Passed), nil
}

// state reads the sender's entry in the program's map.
func (s *Sender) state() (state floodSender, err error) {
	if err = s.lab.senders.Lookup(s.id, &state); err != nil {
		err = fmt.Errorf("read sender %d: %w", s.id, err)
	}
	return state, err
}

// limit lets the program pass n more frames.
func (s *Sender) limit(n uint64) error {
	state, err := s.state()
	if err != nil {
		return err
	}
	state.Limit = state.Passed + n
	if err := s.lab.senders.Put(s.id, &state); err != nil {
		return fmt.Errorf("set sender %d: %w", s.id, err)
	}
	return nil
}

func (s *Sender) sendAll(ctx context.Context, n uint64) error {
	for n > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := min(n, burst)
		if err := s.burst(b); err != nil {
			return err
		}
		n -= b
	}
	return nil
}

// xdpMD is struct xdp_md of include/uapi/linux/bpf.h.
type xdpMD struct {
	Data, DataEnd, DataMeta uint32
	IngressIfindex          uint32
	RxQueueIndex            uint32
	EgressIfindex           uint32
}

// burst sends n frames. If a signal makes the library start again, the program drops
// the frames beyond the limit.
func (s *Sender) burst(n uint64) error {
	if err := s.limit(n); err != nil {
		return err
	}
	_, err := s.lab.program.Run(&ebpf.RunOptions{
		Data: s.frame, Repeat: uint32(n), Flags: liveFrames,
		Context: xdpMD{DataEnd: uint32(len(s.frame)), IngressIfindex: uint32(s.lab.inlet.Device)},
	})
	if errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("%w: %w", errNoLiveFrames, err)
	}
	return err
}
