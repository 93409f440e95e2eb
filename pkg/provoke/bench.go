// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// runTimeout bounds a run, generously: an emulated CPU is slow.
const runTimeout = time.Minute

// bench is what one run has: its own addresses, sockets and rules in a lab. Its
// methods do nothing after the first error, which the run then returns, so that
// a provocation reads as the list of its steps.
type bench struct {
	*Lab
	*wire
	ctx context.Context
	f   Family
	id  uint32 // in the lab
	net uint32 // see network
	err error

	listeners []*listener
	dialed    []int          // the client's real connections
	requests  []requestKey   // handshakes begun with raw segments
	undo      []func() error // the rest of the cleaning up, last first
}

// requestKey names a request socket: its two ends.
type requestKey struct{ server, client netip.AddrPort }

// player makes a Run of steps, as play and route do.
type player func(sysctls, func(*bench) Expect) func(context.Context, *Lab, Family) (Expect, error)

// play makes a Run of steps that need certain sysctls.
func play(settings sysctls, steps func(*bench) Expect) func(context.Context, *Lab, Family) (Expect, error) {
	return playFor(runTimeout, settings, steps)
}

func playFor(timeout time.Duration, settings sysctls, steps func(*bench) Expect) func(context.Context, *Lab, Family) (Expect, error) {
	return func(ctx context.Context, l *Lab, f Family) (want Expect, err error) {
		if f == V6 && !l.hasIPv6 {
			return want, &MissingError{"ipv6", "this kernel runs without it"}
		}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		b := &bench{Lab: l, ctx: ctx, f: f, id: l.runs.Add(1), net: networks.Add(1)}
		settings := b.sharing(settings)
		if err := l.claims.acquire(ctx, settings); err != nil {
			return want, err
		}
		err = netns.OnNewThread(b.enter, func() error {
			want = steps(b)
			b.syncAll()
			if b.err == nil && l.Provoked != nil {
				l.Provoked(ctx, want)
			}
			return errors.Join(b.err, b.clean())
		})
		return want, errors.Join(err, l.claims.release(settings))
	}
}

// alone is the claim of a run that no other run may share the lab with.
const alone = "@alone"

// sharing adds the claim that the run shares the lab, if it does not say other.
func (b *bench) sharing(settings sysctls) sysctls {
	out := sysctls{alone: "no"}
	maps.Copy(out, settings)
	if out[alone] != "no" {
		out[alone] = fmt.Sprint(b.id) // equal to no other
	}
	return out
}

// enter makes the current thread the run's own.
func (b *bench) enter() (err error) {
	if err := PinTo(b.cpus[int(b.id)%len(b.cpus)]); err != nil {
		return err
	}
	if err := netns.Enter(b.client); err != nil {
		return err
	}
	b.wire, err = openWire(b.Lab, b.id)
	return err
}

func (b *bench) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// source is the run's i-th spoofed client address, from 1 on.
func (b *bench) source(i int) netip.Addr {
	if b.f == V6 {
		a := spoofed6.Addr().As16()
		a[12], a[13], a[15] = byte(b.id>>8), byte(b.id), byte(i)
		return netip.AddrFrom16(a)
	}
	a := spoofed4.Addr().As4()
	a[2], a[3] = byte(b.id), byte(i)
	return netip.AddrFrom4(a)
}

// clients are three sources with one, two and three ports, so that a wrong
// count of one source cannot hide in the sum.
func (b *bench) clients() []netip.AddrPort {
	var out []netip.AddrPort
	for i := 1; i <= 3; i++ {
		out = append(out, b.ports(i, i)...)
	}
	return out
}

// serverNetlink is the server's routing netlink until the end of the run, nil after an
// error. What is undone by it must be entered into undo later.
func (b *bench) serverNetlink() *netlink.Handle {
	if b.err != nil {
		return nil
	}
	h, err := netns.Netlink(b.server, unix.NETLINK_ROUTE)
	if err != nil {
		b.fail(err)
		return nil
	}
	b.undo = append(b.undo, func() error { h.Close(); return nil })
	return h
}

// ports are n ports of the i-th source.
func (b *bench) ports(i, n int) []netip.AddrPort {
	out := make([]netip.AddrPort, n)
	for p := range out {
		// Ports move on with the runs, as the addresses repeat after 256 of them.
		port := 20000 + uint16(b.id%4096)*8 + uint16(p)
		out[p] = netip.AddrPortFrom(b.source(i), port)
	}
	return out
}

// fillers are the n clients that use a queue up.
func (b *bench) fillers(n int) []netip.AddrPort { return b.ports(9, n) }

// transmit sends a segment.
func (b *bench) transmit(s segment) {
	if b.fail(b.ctx.Err()); b.err != nil {
		return
	}
	frame, err := s.frame()
	if err != nil {
		b.fail(err)
		return
	}
	b.fail(b.send(frame))
}

// sync waits until the server has processed all that was sent.
func (b *bench) sync() {
	if b.err == nil {
		b.fail(b.flush(b.ctx))
	}
}

// syncAll does so on every CPU, for what sockets have sent on others.
func (b *bench) syncAll() {
	for _, cpu := range b.cpus {
		b.fail(PinTo(cpu))
		b.sync()
	}
}

// eachSends sends one segment like s from each client.
func (b *bench) eachSends(clients []netip.AddrPort, s segment) {
	for _, c := range clients {
		s.src = c
		b.transmit(s)
	}
}

// syns sends a SYN from each client; the server may keep a request for it.
func (b *bench) syns(clients []netip.AddrPort, dst netip.AddrPort) {
	b.synsWith(clients, dst, segment{})
}

// synsWith sends SYNs with what else is in s.
func (b *bench) synsWith(clients []netip.AddrPort, dst netip.AddrPort, s segment) {
	for _, c := range clients {
		b.requests = append(b.requests, requestKey{dst, c})
	}
	s.dst, s.flags, s.seq = dst, syn, clientISN
	b.eachSends(clients, s)
}

// clientISN is the initial sequence number of all raw clients.
const clientISN = 1000000

// open begins a handshake from each client and returns the server's SYN-ACKs
// in the same order.
func (b *bench) open(clients []netip.AddrPort, dst netip.AddrPort) []reply {
	return b.openWith(clients, dst, segment{})
}

// openWith does so with SYNs with what else is in s.
func (b *bench) openWith(clients []netip.AddrPort, dst netip.AddrPort, s segment) []reply {
	out := make([]reply, len(clients))
	b.startTap()
	for i, c := range clients {
		b.synsWith([]netip.AddrPort{c}, dst, s)
		out[i] = b.await(syn|ack, dst, c)
	}
	return out
}

func (b *bench) startTap() {
	if b.err == nil {
		b.fail(b.listenTap())
	}
}

// await returns the next reply with just these flags.
func (b *bench) await(flags tcpFlag, from, to netip.AddrPort) (r reply) {
	if b.err != nil {
		return r
	}
	r, err := b.reply(b.ctx, func(r reply) bool { return r.flags == flags && r.src == from && r.dst == to })
	if err != nil {
		b.fail(fmt.Errorf("wait for the server's reply to %s: %w", to, err))
	}
	return r
}
