// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"sync"
	"time"
)

const (
	// A CPU's backlog takes 1000 packets, and a veth device with NAPI 256 of all CPUs
	// (drivers/net/veth.c:VETH_RING_SIZE). Some of these are answered, and neither must
	// drop any.
	stressBatch   = 96
	stressSources = 16
	// stressLimit bounds what one CPU sends in each lab.
	stressLimit = 20_000_000
)

// Stress provokes several causes at once, from several sources and in all labs,
// on each of two CPUs (or the one there is) as fast as it can, for a time: IPv4
// on one, IPv6 on the other. It returns what a tracer must report of each lab.
func Stress(ctx context.Context, d time.Duration, labs ...*Lab) ([]Expect, error) {
	deadline := time.Now().Add(d)
	timeout := d + runTimeout
	const workers = 2
	wants, errs := make([][workers]Expect, len(labs)), make([][workers]error, len(labs))
	var wg sync.WaitGroup
	for i, l := range labs {
		for w := range workers {
			wg.Go(func() {
				// Without cookies an ACK is stray whatever the time, see stray.
				run := playFor(timeout, listenerDefaults.with("ipv4/tcp_syncookies", "0"), func(b *bench) Expect { return b.stress(w, deadline) })
				f := V4
				if w == 1 && l.hasIPv6 {
					f = V6
				}
				wants[i][w], errs[i][w] = run(ctx, l, f)
			})
		}
	}
	wg.Wait()
	out := make([]Expect, len(labs))
	var err error
	for i := range labs {
		out[i] = merge(wants[i][:]...)
		err = errors.Join(err, errors.Join(errs[i][:]...))
	}
	return out, err
}

// load is one of the causes of a stress: the frames that provoke it, one for
// each source, and how often each was sent.
type load struct {
	cause, stage string
	dst          netip.AddrPort
	counter      []string // each moves once for a frame
	frames       [][]byte
	sources      []netip.Addr
	sent         []uint64
}

// stress is the work on one CPU.
func (b *bench) stress(worker int, deadline time.Time) Expect {
	if b.err == nil {
		b.fail(PinTo(b.cpus[worker%len(b.cpus)]))
	}
	loads := b.loads()
	for n := 0; b.err == nil && n < stressLimit && time.Now().Before(deadline); {
		for range stressBatch / len(loads) {
			for i := range loads {
				// The causes go through the sources at different speeds, so that
				// each source has another count of each cause.
				b.shoot(&loads[i], n*(i+1)/2)
			}
			n += len(loads)
		}
		b.sync()
		b.fail(b.ctx.Err())
	}
	var out Expect
	for _, l := range loads {
		counts, total := map[netip.Addr]uint64{}, uint64(0)
		for i, src := range l.sources {
			counts[src] += l.sent[i]
			total += l.sent[i]
		}
		counters := map[string]uint64{}
		for _, name := range l.counter {
			counters[name] = total
		}
		out = merge(out, b.expectCounts(Drop{Cause: l.cause, Stage: l.stage, Dst: l.dst}, counts, counters))
	}
	return out
}

func (b *bench) shoot(l *load, n int) {
	if b.err != nil {
		return
	}
	// Low sources come more often: 1/2 of all, 1/4, 1/8, …
	at := min(bits.TrailingZeros(uint(n+1)), len(l.frames)-1)
	if n%3 == 0 {
		at = n / 3 % len(l.frames)
	}
	if err := b.send(l.frames[at]); err != nil {
		b.fail(err)
		return
	}
	l.sent[at]++
}

// loads prepares the causes: none needs more than one frame, or leaves anything
// behind.
func (b *bench) loads() []load {
	full := b.listen(1)
	b.overfill(full)
	idle, ruled := b.listen(8), b.listen(8)
	filtered := b.listenWith(8, 0, refuseAll)
	b.rule(input, ruled.addr, verdictDrop)
	syns := segment{flags: syn, seq: clientISN}
	broken := syns
	broken.badChecksum = true
	return []load{
		b.load("accept-queue-full", "syn", full.addr, syns, "TcpExtListenOverflows", "TcpExtListenDrops"),
		b.load("no-listener", "", b.reserve(), syns),
		b.load("checksum-error", "", idle.addr, broken, "TcpInCsumErrors"),
		b.load("netfilter-drop", "", ruled.addr, syns),
		b.load("stray-ack", "listener", idle.addr, wrongACK(idle)),
		b.load("socket-filter", "", filtered.addr, syns),
	}
}

func (b *bench) load(cause, stage string, dst netip.AddrPort, s segment, counters ...string) load {
	l := load{cause: cause, stage: stage, dst: dst, counter: counters, sent: make([]uint64, stressSources)}
	for i := range stressSources {
		s.src, s.dst = b.ports(i+1, 1)[0], dst
		frame, err := s.frame()
		if err != nil && b.err == nil {
			b.fail(fmt.Errorf("prepare %s: %w", cause, err))
		}
		l.frames, l.sources = append(l.frames, frame), append(l.sources, s.src.Addr())
	}
	return l
}
