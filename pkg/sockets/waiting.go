// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Waiting is the connections that wait to be accepted from a listener.
type Waiting struct {
	Connections int
	// Newest is for how long, at least, the last of them has waited. If the queue
	// is full, nothing was accepted for so long: another would have taken the
	// place.
	Newest time.Duration
}

// ReadWaiting looks at what waits for the one listener on a port of a network
// namespace. It is nothing where there are several, which share the port.
func ReadWaiting(id netns.ID, port uint16) (w Waiting, err error) {
	err = netns.Do(id, func(netns.Location, netns.ID) error {
		sockets, err := Listening()
		if err != nil {
			return err
		}
		w, err = WaitingFor(sockets, port)
		return err
	})
	return w, err
}

// WaitingFor looks in the calling thread's namespace.
func WaitingFor(listeners []Socket, port uint16) (Waiting, error) {
	w := Waiting{Newest: math.MaxInt64}
	n := 0
	for i := range listeners {
		if listeners[i].Addr.Port() == port {
			n++
		}
	}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		if err := w.dump(family, port); err != nil {
			return Waiting{}, fmt.Errorf("dump waiting connections: %w", err)
		}
	}
	if w.Connections == 0 || n != 1 {
		return Waiting{}, nil
	}
	return w, nil
}

const (
	diagInfo = 2 // INET_DIAG_INFO
	// The offsets in struct tcp_info (include/uapi/linux/tcp.h), in milliseconds.
	infoLastData = 52
	infoLastAck  = 56
)

// dump adds the connections of a family that no file has: those that nobody has
// accepted.
func (w *Waiting) dump(family uint8, port uint16) error {
	request := make([]byte, diagRequestLen)
	request[0], request[1] = family, unix.IPPROTO_TCP
	request[diagExtensions] = 1 << (diagInfo - 1)
	binary.NativeEndian.PutUint32(request[diagStates:], 1<<established|1<<closeWait)
	binary.BigEndian.PutUint16(request[diagRequestPort:], port)
	req := nl.NewNetlinkRequest(nl.SOCK_DIAG_BY_FAMILY, unix.NLM_F_DUMP)
	req.AddRawData(request)
	err := req.ExecuteIter(unix.NETLINK_INET_DIAG, nl.SOCK_DIAG_BY_FAMILY, func(msg []byte) bool {
		if age, ok := parseWaiting(msg); ok {
			w.Connections++
			w.Newest = min(w.Newest, age)
		}
		return true
	})
	if errors.Is(err, unix.ENOENT) || errors.Is(err, nl.ErrDumpInterrupted) {
		err = nil // there is no tcp_diag, or connections came and went
	}
	return err
}

// parseWaiting returns how old a connection is, at least, that was not accepted.
// Neither time begins before the handshake is over (net/ipv4/tcp_minisocks.c:
// tcp_create_openreq_child, net/ipv4/tcp_input.c:tcp_ack); a FIN leaves the one as
// it is, data the other only for a moment.
func parseWaiting(msg []byte) (time.Duration, bool) {
	if len(msg) < diagMessageLen || binary.NativeEndian.Uint32(msg[diagInode:]) != 0 {
		return 0, false
	}
	attrs, err := nl.ParseRouteAttr(msg[diagMessageLen:])
	if err != nil {
		return 0, false
	}
	for _, a := range attrs {
		if a.Attr.Type == diagInfo && len(a.Value) >= infoLastAck+4 {
			ms := max(binary.NativeEndian.Uint32(a.Value[infoLastData:]), binary.NativeEndian.Uint32(a.Value[infoLastAck:]))
			return time.Duration(ms) * time.Millisecond, true
		}
	}
	return 0, false
}
