// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"

	"github.com/synwatch/synwatch/pkg/flood"
)

const (
	// warmConnections are made before those that are measured.
	warmConnections = 500
	// segments is how many each side sends over a connection that carries some.
	segments = 100
	// bare is how many segments a connection has without any.
	bare = 10
	// open is how many connections a server with keep-alive has.
	open = 64
)

// send makes n of them on a thread.
type send func(ctx context.Context, on flood.Thread, n uint64) (flood.Sent, error)

// connecting is connections, or requests over such as stay open, of which nothing is
// dropped.
type connecting struct {
	noDrops
	on   flood.Thread
	n    uint64
	send send
	warm send // mostly the same
	end  func() error
}

func (l *connecting) warmUp(ctx context.Context) error {
	_, err := l.warm(ctx, l.on, warmConnections)
	return err
}

func (l *connecting) run(ctx context.Context) (flood.Sent, error) { return l.send(ctx, l.on, l.n) }

func (l *connecting) close() error { return l.end() }

// prepareClean makes fewer connections that carry segments, for about as many packets in
// all.
func prepareClean(segments int) func(*flood.Lab, Size) (load, error) {
	return func(f *flood.Lab, size Size) (load, error) {
		server, err := f.NewServer()
		if err != nil {
			return nil, err
		}
		carrying := func(segments int) send {
			return func(ctx context.Context, on flood.Thread, n uint64) (flood.Sent, error) {
				return server.Connect(ctx, on, n, segments)
			}
		}
		n := max(size.Connections*bare/uint64(bare+2*segments), 1)
		return &connecting{on: size.thread(), n: n, send: carrying(segments), warm: carrying(0), end: server.Close}, nil
	}
}

func prepareKeepAlive(f *flood.Lab, size Size) (load, error) {
	server, err := f.NewServer()
	if err != nil {
		return nil, err
	}
	k, err := server.KeepAlive(open)
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	end := func() error { return errors.Join(k.Close(), server.Close()) }
	return &connecting{on: size.thread(), n: size.Connections, send: k.Request, warm: k.Request, end: end}, nil
}

func prepareForward(_ *flood.Lab, size Size) (load, error) {
	router, err := flood.NewRouter()
	if err != nil {
		return nil, err
	}
	return &connecting{on: size.thread(), n: size.Connections, send: router.Routed, warm: router.Routed, end: router.Close}, nil
}
