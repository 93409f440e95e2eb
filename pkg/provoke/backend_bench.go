// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"maps"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// forwarding has the server be a router. The interface's own value decides for IPv4
// (net/ipv4/route.c:ip_route_input_slow, IN_DEV_FORWARD), that of all for IPv6
// (net/ipv6/ip6_output.c:ip6_forward). Replies come in at the other interface, which
// follows ip_forward.
var forwarding = sysctls{
	"ipv4/ip_forward":                            "1",
	"ipv4/conf/" + device + "/forwarding":        "1",
	"ipv4/conf/" + device + "/rp_filter":         "0",
	"ipv4/conf/" + gatewayDevice + "/forwarding": "1",
	"ipv6/conf/all/forwarding":                   "1",
}

// route makes a Run of steps for which the server is a router with a backend behind
// it. The settings come in addition to those of forwarding, or in their place.
func route(settings sysctls, steps func(*bench) Expect) func(context.Context, *Lab, Family) (Expect, error) {
	return routeFor(runTimeout, settings, steps)
}

func routeFor(timeout time.Duration, settings sysctls, steps func(*bench) Expect) func(context.Context, *Lab, Family) (Expect, error) {
	return func(ctx context.Context, l *Lab, f Family) (Expect, error) {
		if err := l.OpenBackend(ctx); err != nil {
			return Expect{}, err
		}
		return playFor(timeout, l.forwarding(settings), func(b *bench) Expect {
			b.fail(b.extend())
			return steps(b)
		})(ctx, l, f)
	}
}

// forwarding are settings on top of forwarding.
func (l *Lab) forwarding(settings sysctls) sysctls {
	all := maps.Clone(forwarding)
	maps.Copy(all, settings)
	if !l.hasIPv6 {
		delete(all, "ipv6/conf/all/forwarding")
	}
	return all
}

// atBackend runs fn in the backend's namespace, if there is one.
func (b *bench) atBackend(fn func() error) error {
	if b.onward == nil {
		return nil
	}
	return b.BackendDo(fn)
}

// backendListen opens a listener in the backend. Its port is the run's own in all of
// the lab, so that rules of the server may go by it.
func (b *bench) backendListen(backlog int) *listener {
	ln := &listener{fd: -1, max: backlog, addr: b.backendReserve()}
	if b.err != nil {
		return ln
	}
	b.fail(b.BackendDo(func() (err error) {
		ln.fd, err = tcpSocket(b.f)
		return err
	}))
	if b.err != nil {
		return ln
	}
	b.listeners = append(b.listeners, ln)
	b.fail(bindPort(ln.fd, b.f, ln.addr.Port()))
	if b.err == nil {
		b.fail(joinErr("listen", unix.Listen(ln.fd, backlog)))
	}
	return ln
}

// backendReserve returns an address of the backend that nothing listens on, and
// nothing else will. What comes there is answered with a reset, and is a drop in the
// backend's namespace.
func (b *bench) backendReserve() netip.AddrPort {
	return netip.AddrPortFrom(backendAddr(b.f), b.reserve().Port())
}

// backendSink returns an address behind the server where nothing answers, and where
// what arrives is no drop.
func (b *bench) backendSink() netip.AddrPort {
	addr := sink4
	if b.f == V6 {
		addr = sink6
	}
	return netip.AddrPortFrom(addr, b.reserve().Port())
}

// backendAway returns an address in the backend's network that nobody has.
func (b *bench) backendAway() netip.AddrPort {
	a := backendAddr(b.f).AsSlice()
	a[len(a)-1] = 77
	addr, _ := netip.AddrFromSlice(a)
	return netip.AddrPortFrom(addr, b.reserve().Port())
}

// backendPair is a real connection of the client to the backend, accepted, with data
// exchanged both ways.
func (b *bench) backendPair() (client, server *stream) {
	return b.converse(b.backendListen(8))
}
