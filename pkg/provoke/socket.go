// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// listener is a listening socket of the server.
type listener struct {
	fd   int
	addr netip.AddrPort // as clients see it
	max  int            // the backlog
}

// bound is a socket of the server, bound to a fresh port but not listening.
func (l *Lab) bound(f Family) (fd int, addr netip.AddrPort, err error) { return l.boundProto(f, 0) }

// boundProto is of another protocol than TCP's, if it is not 0.
func (l *Lab) boundProto(f Family, proto int) (fd int, addr netip.AddrPort, err error) {
	err = l.ServerDo(func() (err error) {
		fd, err = socket(f, proto)
		return err
	})
	if err != nil {
		return -1, addr, err
	}
	if err := bindPort(fd, f, 0); err != nil {
		return -1, addr, errors.Join(err, closeAll(fd))
	}
	port, err := localPort(fd)
	if err != nil {
		return -1, addr, errors.Join(err, closeAll(fd))
	}
	return fd, netip.AddrPortFrom(l.serverAddr(f), port), nil
}

// bindPort binds a socket to all addresses and a port, or a fresh one for 0.
func bindPort(fd int, f Family, port uint16) error {
	var all unix.Sockaddr = &unix.SockaddrInet4{Port: int(port)}
	if f != V4 {
		all = &unix.SockaddrInet6{Port: int(port)}
	}
	return joinErr("bind", unix.Bind(fd, all))
}

// tcpSocket is in the namespace of the current thread.
func tcpSocket(f Family) (int, error) { return socket(f, 0) }

func socket(f Family, proto int) (int, error) {
	domain, v6only := unix.AF_INET6, 1
	switch f {
	case V4:
		domain = unix.AF_INET
	case Mapped:
		v6only = 0
	}
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, proto)
	if err != nil {
		return -1, fmt.Errorf("open socket: %w", err)
	}
	if domain == unix.AF_INET6 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, v6only); err != nil {
			return -1, errors.Join(fmt.Errorf("set IPV6_V6ONLY: %w", err), closeAll(fd))
		}
	}
	return fd, nil
}

func localPort(fd int) (uint16, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return 0, fmt.Errorf("getsockname: %w", err)
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return uint16(sa.Port), nil
	case *unix.SockaddrInet6:
		return uint16(sa.Port), nil
	}
	return 0, fmt.Errorf("getsockname: unexpected %T", sa)
}

// sockaddr of an address as a client dials it.
func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
}

// queued is the length of a listener's accept queue: tcp_get_info puts
// sk_ack_backlog where other sockets have their unacknowledged segments.
func (ln *listener) queued() (int, error) {
	info, err := unix.GetsockoptTCPInfo(ln.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, fmt.Errorf("read TCP_INFO: %w", err)
	}
	return int(info.Unacked), nil
}

// linger0 makes close send a RST.
func linger0(fd int) error {
	if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return fmt.Errorf("set SO_LINGER: %w", err)
	}
	return nil
}
