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

type cleanTraffic struct {
	noDrops
	size     Size
	server   *flood.Server
	segments int // over each connection, each way
}

func prepareClean(segments int) func(*flood.Lab, Size) (load, error) {
	return func(f *flood.Lab, size Size) (load, error) {
		server, err := f.NewServer()
		if err != nil {
			return nil, err
		}
		return &cleanTraffic{size: size, server: server, segments: segments}, nil
	}
}

func (l *cleanTraffic) warmUp(ctx context.Context) error {
	_, err := l.server.Connect(ctx, l.size.thread(), warmConnections, 0)
	return err
}

// run makes fewer connections that carry segments, for about as many packets in all.
func (l *cleanTraffic) run(ctx context.Context) (flood.Sent, error) {
	n := l.size.Connections * bare / uint64(bare+2*l.segments)
	return l.server.Connect(ctx, l.size.thread(), max(n, 1), l.segments)
}

func (l *cleanTraffic) close() error { return l.server.Close() }

type keepingAlive struct {
	noDrops
	size   Size
	server *flood.Server
	kept   *flood.KeepAlive
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
	return &keepingAlive{size: size, server: server, kept: k}, nil
}

func (l *keepingAlive) warmUp(ctx context.Context) error {
	_, err := l.kept.Request(ctx, l.size.thread(), warmConnections)
	return err
}

func (l *keepingAlive) run(ctx context.Context) (flood.Sent, error) {
	return l.kept.Request(ctx, l.size.thread(), l.size.Connections)
}

func (l *keepingAlive) close() error { return errors.Join(l.kept.Close(), l.server.Close()) }

type forwarding struct {
	noDrops
	size   Size
	router *flood.Router
}

func prepareForward(_ *flood.Lab, size Size) (load, error) {
	router, err := flood.NewRouter()
	if err != nil {
		return nil, err
	}
	return &forwarding{size: size, router: router}, nil
}

func (l *forwarding) warmUp(ctx context.Context) error {
	_, err := l.router.Routed(ctx, l.size.thread(), warmConnections)
	return err
}

func (l *forwarding) run(ctx context.Context) (flood.Sent, error) {
	return l.router.Routed(ctx, l.size.thread(), l.size.Connections)
}

func (l *forwarding) close() error { return l.router.Close() }
