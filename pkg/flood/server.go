// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Server accepts and closes connections, of which none is dropped.
type Server struct {
	lab *Lab
	fd  int
}

// NewServer opens a server in the server's namespace.
func (l *Lab) NewServer() (*Server, error) {
	s := &Server{l, -1}
	err := l.ServerDo(func() (err error) {
		s.fd, err = listenClean()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open server: %w", err)
	}
	return s, nil
}

// listenClean opens a listener in the current namespace, which has room for as many
// connections as will be made.
func listenClean() (int, error) {
	// Every connection stays for a minute after its end.
	if err := os.WriteFile("/proc/sys/net/ipv4/tcp_max_tw_buckets", []byte("1048576"), 0o644); err != nil {
		return -1, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Port: portServer}), unix.Listen(fd, 16)); err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// Port is where it listens.
func (s *Server) Port() uint16 { return portServer }

// Close closes the server. Called again it does nothing: the number may be another
// file's by then.
func (s *Server) Close() error {
	fd := s.fd
	if s.fd = -1; fd < 0 {
		return nil
	}
	return unix.Close(fd)
}

// perAddress is how many connections one address gets, less than there are ports;
// MaxConnections is how many there are addresses for.
const (
	perAddress     = 10000
	maxAddresses   = 100
	MaxConnections = perAddress * maxAddresses
)

// Connect makes n connections over the loopback device, one after the other,
// with client and server on one thread.
func (s *Server) Connect(ctx context.Context, on Thread, n uint64) (Sent, error) {
	return timed(s.lab.ServerDo, on, n, func() error {
		return connectAll(ctx, s.fd, n, func(i byte) [4]byte { return [4]byte{127, 0, 1 + i, 1} })
	})
}

// connectAll makes n connections to a listener, which has the addresses.
func connectAll(ctx context.Context, listener int, n uint64, address func(i byte) [4]byte) error {
	if n > MaxConnections {
		return fmt.Errorf("%d connections are more than %d", n, MaxConnections)
	}
	for i := range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := &unix.SockaddrInet4{Port: portServer, Addr: address(byte(i / perAddress))}
		if err := connect(listener, to); err != nil {
			return fmt.Errorf("connection %d: %w", i+1, err)
		}
	}
	return nil
}

func connect(listener int, to unix.Sockaddr) error {
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Connect(client, to); err != nil {
		return errors.Join(err, unix.Close(client))
	}
	server, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err == nil {
		err = unix.Close(server)
	}
	if err == nil {
		_, err = unix.Read(client, make([]byte, 1)) // the end
	}
	return errors.Join(err, unix.Close(client))
}
