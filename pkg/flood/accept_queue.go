// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// acceptQueue: the listener takes no connection from its full queue
// (net/ipv4/tcp_input.c:tcp_conn_request).
func acceptQueue(l *Lab) (*Target, error) {
	addr := l.addr(portAccept)
	to := &unix.SockaddrInet4{Port: portAccept, Addr: addr.Addr().As4()}
	var fds []int
	err := l.ServerDo(func() error {
		fd, err := socket(&fds)
		if err != nil {
			return err
		}
		return errors.Join(unix.Bind(fd, to), unix.Listen(fd, 0))
	})
	if err == nil {
		err = l.ClientDo(func() error {
			fd, err := socket(&fds)
			if err != nil {
				return err
			}
			return unix.Connect(fd, to) // one is above a backlog of none
		})
	}
	closeAll := func() (err error) {
		for _, fd := range fds {
			err = errors.Join(err, unix.Close(fd))
		}
		return err
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("fill the accept queue of %s: %w", addr, err), closeAll())
	}
	return &Target{addr, l.counter("TcpExtListenOverflows"), closeAll}, nil
}

func socket(fds *[]int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		*fds = append(*fds, fd)
	}
	return fd, err
}
