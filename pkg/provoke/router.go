// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Router is a lab whose server forwards connections of the client to the backend, as
// many as one likes. Nothing of them is dropped.
type Router struct {
	lab     *Lab
	claimed sysctls
}

// The backend has all of these addresses, as one of them gets no more connections
// than there are ports.
var (
	many4 = netip.MustParsePrefix("10.3.0.0/16")
	many6 = netip.MustParsePrefix("fd03::/64")
)

// perAddress is how many connections one address gets, less than there are ports.
const perAddress = 10000

// NewRouter has the lab's server forward, until Close.
func (l *Lab) NewRouter(ctx context.Context) (*Router, error) {
	if err := l.OpenBackend(ctx); err != nil {
		return nil, err
	}
	settings := l.forwarding(nil)
	if err := l.claims.acquire(ctx, settings); err != nil {
		return nil, err
	}
	r := &Router{l, settings}
	if err := r.prepare(); err != nil {
		return nil, errors.Join(fmt.Errorf("make router: %w", err), r.Close())
	}
	return r, nil
}

// Close has the server forward no more, if no run wants it to. The routes stay.
func (r *Router) Close() error {
	claimed := r.claimed
	r.claimed = nil
	return r.lab.claims.release(claimed)
}

func (r *Router) prepare() error {
	l := r.lab
	// Every other connection stays for a minute after its end, at one of the ends.
	for _, do := range []func(func() error) error{l.ClientDo, l.BackendDo} {
		if err := do(func() error { return writeSysctl("ipv4/tcp_max_tw_buckets", "1048576") }); err != nil {
			return err
		}
	}
	type hop struct {
		ns     *os.File
		device string
		gw     netip.Addr
	}
	for _, way := range []struct {
		dst  netip.Prefix
		hops []hop
	}{
		{many4, []hop{{l.client, device, server4}, {l.server, gatewayDevice, backend4}}},
		{many6, []hop{{l.client, device, server6}, {l.server, gatewayDevice, backend6}}},
	} {
		if way.dst.Addr().Is6() && !l.hasIPv6 {
			continue
		}
		for _, h := range way.hops {
			if err := addRoute(h.ns, h.device, way.dst, h.gw); err != nil {
				return err
			}
		}
		if err := own(l.behind.ns, way.dst); err != nil {
			return err
		}
	}
	return nil
}

// own gives a namespace all addresses of a prefix.
func own(ns *os.File, all netip.Prefix) error {
	h, err := netns.Netlink(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer h.Close()
	lo, err := h.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find lo: %w", err)
	}
	route := &netlink.Route{
		LinkIndex: lo.Attrs().Index, Dst: ipNet(all), Type: unix.RTN_LOCAL,
		Table: unix.RT_TABLE_LOCAL, Scope: netlink.SCOPE_HOST,
	}
	return joinErr("own "+all.String(), h.RouteReplace(route))
}

// Connect makes n connections, one after the other, on one CPU: with data both ways, and
// each end closes or resets every fourth. It may be called several times at once.
func (r *Router) Connect(ctx context.Context, cpu int, f Family, n uint64) error {
	ln, err := r.listen(f)
	if err != nil {
		return err
	}
	defer unix.Close(ln.fd)
	prepare := func() error { return errors.Join(PinTo(cpu), netns.Enter(r.lab.client)) }
	return netns.OnNewThread(prepare, func() error {
		for i := range n {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := ln.forwarded(f, i); err != nil {
				return fmt.Errorf("connection %d: %w", i+1, err)
			}
		}
		return nil
	})
}

func (r *Router) listen(f Family) (*listener, error) {
	ln := &listener{fd: -1}
	err := r.lab.BackendDo(func() (err error) {
		ln.fd, err = blockingSocket(f)
		return err
	})
	if err != nil {
		return nil, err
	}
	var port uint16
	err = bindPort(ln.fd, f, 0)
	if err == nil {
		port, err = localPort(ln.fd)
	}
	if err == nil {
		err = unix.Listen(ln.fd, 16)
	}
	ln.addr = netip.AddrPortFrom(netip.Addr{}, port)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the backend's listener: %w", err), closeAll(ln.fd))
	}
	return ln, nil
}

// patience is in seconds, for an end that waits for the other.
const patience = 30

// blockingSocket does not block for ever, and nor do the sockets that it accepts.
func blockingSocket(f Family) (int, error) {
	fd, err := tcpSocket(f)
	if err != nil {
		return -1, err
	}
	limit := unix.Timeval{Sec: patience}
	err = errors.Join(unix.SetNonblock(fd, false),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit))
	if err != nil {
		return -1, errors.Join(fmt.Errorf("prepare socket: %w", err), closeAll(fd))
	}
	return fd, nil
}

// forwarded makes the i-th connection, from the thread's namespace.
func (ln *listener) forwarded(f Family, i uint64) error {
	client, err := blockingSocket(f)
	if err != nil {
		return err
	}
	to := netip.AddrPortFrom(nthBackend(f, i), ln.addr.Port())
	_, err = uninterrupted(func() (int, error) { return client, unix.Connect(client, sockaddr(to)) })
	if err != nil {
		return errors.Join(fmt.Errorf("connect to %s: %w", to, err), unix.Close(client))
	}
	server, err := uninterrupted(func() (int, error) {
		fd, _, err := unix.Accept4(ln.fd, unix.SOCK_CLOEXEC)
		return fd, err
	})
	if err != nil {
		return errors.Join(fmt.Errorf("accept: %w", err), unix.Close(client))
	}
	if err := errors.Join(pass(client, server), pass(server, client)); err != nil {
		return errors.Join(err, closeAll(client, server))
	}
	first, last := client, server
	if i%2 == 1 {
		first, last = server, client
	}
	return hangUp(first, last, i%4 >= 2)
}

// nthBackend is the backend's address for the i-th connection.
func nthBackend(f Family, i uint64) netip.Addr {
	nth := byte(i / perAddress)
	if f == V6 {
		a := many6.Addr().As16()
		a[14], a[15] = nth, 1
		return netip.AddrFrom16(a)
	}
	a := many4.Addr().As4()
	a[2], a[3] = nth, 1
	return netip.AddrFrom4(a)
}

// uninterrupted repeats a call that a signal ended. The runtime preempts threads by
// signals, and the kernel does not restart a call on a socket with a time limit
// (signal(7)); a connect that is repeated waits for the one that has begun.
func uninterrupted(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// pass sends data from one end to the other.
func pass(from, to int) error {
	const text = "hello"
	if _, err := uninterrupted(func() (int, error) { return unix.Write(from, []byte(text)) }); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	buf := make([]byte, len(text))
	n, err := uninterrupted(func() (int, error) { return unix.Read(to, buf) })
	if err != nil || string(buf[:n]) != text {
		return fmt.Errorf("read %q: %w", buf[:max(n, 0)], err)
	}
	return nil
}

// hangUp ends the connection at both ends, the second when it knows of the first.
func hangUp(first, last int, reset bool) error {
	var err error
	if reset {
		err = linger0(first)
	}
	err = errors.Join(err, unix.Close(first))
	_, readErr := uninterrupted(func() (int, error) { return unix.Read(last, make([]byte, 1)) })
	if reset && errors.Is(readErr, unix.ECONNRESET) {
		readErr = nil
	}
	return errors.Join(err, readErr, unix.Close(last))
}
