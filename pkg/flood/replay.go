// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// replayLen is how many frames come in turn: REPLAYED of bpf/flood.bpf.c. That is also
// how many packets are in a list.
const replayLen = 64

// SYN is a SYN of a Replay.
type SYN struct {
	From, To netip.AddrPort
}

// Replay has SYNs from several sources to several ports come in the same lists, as from
// a network card.
type Replay struct {
	lab  *Lab
	syns []SYN
}

// NewReplay prepares SYNs that come in turn. There is one at a time for a lab.
func (l *Lab) NewReplay(syns []SYN) (*Replay, error) {
	for i := range uint32(replayLen) {
		s := syns[int(i)%len(syns)]
		t, err := newTemplate(l.inlet, s.To, uint16(i), false)
		if err != nil {
			return nil, err
		}
		var r floodReplayFrame
		copy(r.Bytes[:], t.from(s.From))
		if err := l.replayed.Put(i, &r); err != nil {
			return nil, fmt.Errorf("add frame %d: %w", i, err)
		}
	}
	return &Replay{l, syns}, nil
}

// Send sends at least n SYNs on each CPU.
func (r *Replay) Send(ctx context.Context, n uint64) error {
	cpus := r.lab.CPUs()
	errs := make([]error, len(cpus))
	var wg sync.WaitGroup
	for i, cpu := range cpus {
		wg.Go(func() {
			_, errs[i] = timed(r.lab.ServerDo, Thread{CPU: cpu}, n, func() error { return r.lab.run(ctx, r.lab.replay, n) })
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// run runs an XDP program on n frames, which it writes.
func (l *Lab) run(ctx context.Context, program *ebpf.Program, n uint64) error {
	for ; n > 0 && ctx.Err() == nil; n -= min(n, burst) {
		frame := make([]byte, len(floodReplayFrame{}.Bytes))
		_, err := program.Run(&ebpf.RunOptions{
			Data: frame, Repeat: uint32(min(n, burst)), Flags: liveFrames,
			Context: xdpMD{DataEnd: uint32(len(frame)), IngressIfindex: uint32(l.inlet.Device)},
		})
		if errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("%w: %w", errNoLiveFrames, err)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Counts says how often each SYN was sent so far.
func (r *Replay) Counts() (map[SYN]uint64, error) {
	counts := map[SYN]uint64{}
	for i := range uint32(replayLen) {
		var f floodReplayFrame
		if err := r.lab.replayed.Lookup(i, &f); err != nil {
			return nil, fmt.Errorf("read frame %d: %w", i, err)
		}
		counts[r.syns[int(i)%len(r.syns)]] += f.Passed
	}
	return counts, nil
}
