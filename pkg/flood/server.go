// SPDX-License-Identifier: Apache-2.0

package flood

import (
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
