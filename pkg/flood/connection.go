// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// perAddress is how many connections one address gets, less than there are ports;
// MaxConnections is how many there are addresses for.
const (
	perAddress     = 10000
	maxAddresses   = 100
	MaxConnections = perAddress * maxAddresses
)

func loopbackAddress(i byte) [4]byte { return [4]byte{127, 0, 1 + i, 1} }

// Connect makes n connections over the loopback device, one after the other, with client
// and server on one thread. Over each of them both send so many segments, in turn.
func (s *Server) Connect(ctx context.Context, on Thread, n uint64, segments int) (Sent, error) {
	return timed(s.lab.ServerDo, on, n, func() error {
		return connectAll(ctx, s.fd, n, loopbackAddress, func(c connection) error { return c.talk(segments) })
	})
}

// connectAll makes n connections to a listener, which has the addresses, and closes each
// after it was used.
func connectAll(ctx context.Context, listener int, n uint64, address func(i byte) [4]byte, use func(connection) error) error {
	if n > MaxConnections {
		return fmt.Errorf("%d connections are more than %d", n, MaxConnections)
	}
	for i := range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := &unix.SockaddrInet4{Port: portServer, Addr: address(byte(i / perAddress))}
		c, err := connect(listener, to)
		if err == nil {
			err = errors.Join(use(c), c.close())
		}
		if err != nil {
			return fmt.Errorf("connection %d: %w", i+1, err)
		}
	}
	return nil
}

// connection is both its ends.
type connection struct{ client, server int }

func connect(listener int, to unix.Sockaddr) (connection, error) {
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return connection{}, err
	}
	if err := unix.Connect(client, to); err != nil {
		return connection{}, errors.Join(err, unix.Close(client))
	}
	server, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		return connection{}, errors.Join(err, unix.Close(client))
	}
	return connection{client, server}, nil
}

// close ends the connection from the server's side.
func (c connection) close() error {
	err := unix.Close(c.server)
	if err == nil {
		_, err = unix.Read(c.client, make([]byte, 1)) // the end
	}
	return errors.Join(err, unix.Close(c.client))
}

// segmentSize fits a segment of every device.
const segmentSize = 1000

// talk has both ends send so many segments, in turn: each of the server's answers one of
// the client's.
func (c connection) talk(segments int) error {
	data := make([]byte, segmentSize)
	for range segments {
		if err := errors.Join(pass(c.client, c.server, data), pass(c.server, c.client, data)); err != nil {
			return err
		}
	}
	return nil
}

// pass sends data, which fits a segment, and receives it.
func pass(from, to int, data []byte) error {
	if _, err := unix.Write(from, data); err != nil {
		return err
	}
	n, err := unix.Read(to, data)
	if err == nil && n != len(data) {
		err = fmt.Errorf("%d bytes of %d have come", n, len(data))
	}
	return err
}
