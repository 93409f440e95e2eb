// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"
)

// KeepAlive is connections to a server that stay open.
type KeepAlive struct {
	lab  *Lab
	open []connection
}

// KeepAlive opens so many over the loopback device.
func (s *Server) KeepAlive(connections int) (*KeepAlive, error) {
	k := &KeepAlive{lab: s.lab}
	err := s.lab.ServerDo(func() error {
		for range connections {
			c, err := connect(s.fd, &unix.SockaddrInet4{Port: portServer, Addr: loopbackAddress(0)})
			if err != nil {
				return err
			}
			k.open = append(k.open, c)
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

// Request has n requests answered, by each connection in turn, with client and server on
// one thread.
func (k *KeepAlive) Request(ctx context.Context, on Thread, n uint64) (Sent, error) {
	return timed(k.lab.ServerDo, on, n, func() error {
		for i := range n {
			if err := errors.Join(ctx.Err(), k.open[i%uint64(len(k.open))].talk(1)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Close closes them. Called again it does nothing.
func (k *KeepAlive) Close() error {
	var errs []error
	for _, c := range k.open {
		errs = append(errs, c.close())
	}
	k.open = nil
	return errors.Join(errs...)
}
