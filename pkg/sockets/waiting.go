// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
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
	// Full is the one listener on the port whose accept queue is full, of several;
	// nil where there is one listener, or where none or more than one is full.
	Full *ListenerQueue
	// Sharing is how many others share its address and port (SO_REUSEPORT).
	Sharing int
}

// ReadWaiting looks at what waits for the one listener on a port of a network
// namespace. Where there are several it is what waits for the one that is full, with
// its owner, or nothing.
func ReadWaiting(id netns.ID, port uint16) (w Waiting, err error) {
	err = netns.Do(id, func(netns.Location, netns.ID) error {
		sockets, err := Listening()
		if err != nil {
			return err
		}
		w, err = WaitingFor(sockets, port)
		return err
	})
	if w.Full != nil {
		owners := FindOwners(proc.Dir, map[uint64]bool{w.Full.Inode: true})
		w.Full.Process, _ = owners.Of([]Socket{{Inode: w.Full.Inode}})
	}
	return w, err
}

// WaitingFor looks in the calling thread's namespace. To which of several listeners a
// connection belongs the kernel does not tell: it is that of the full one where no
// other has any.
func WaitingFor(listeners []Socket, port uint16) (Waiting, error) {
	w := Waiting{Newest: math.MaxInt64}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		if err := w.dump(family, port); err != nil {
			return Waiting{}, fmt.Errorf("dump waiting connections: %w", err)
		}
	}
	var on []ListenerQueue
	for i := range listeners {
		if listeners[i].Addr.Port() == port {
			on = append(on, NewListenerQueue(&listeners[i]))
		}
	}
	switch {
	case w.Connections == 0, len(on) == 0:
		return Waiting{}, nil
	case len(on) == 1:
		return w, nil
	}
	return w.of(on), nil
}

// of is what waits for the one of several listeners that is full.
func (w *Waiting) of(listeners []ListenerQueue) Waiting {
	var full *ListenerQueue
	others := uint32(0)
	for i := range listeners {
		switch l := &listeners[i]; {
		case l.Limit == nil:
			return Waiting{}
		case !l.Full():
			others += l.Waiting
		case full != nil:
			return Waiting{}
		default:
			full = l
		}
	}
	if full == nil {
		return Waiting{}
	}
	found := Waiting{Full: full}
	for i := range listeners {
		if l := &listeners[i]; l != full && l.Addr == full.Addr {
			found.Sharing++
		}
	}
	if others == 0 {
		found.Connections, found.Newest = w.Connections, w.Newest
	}
	return found
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
	err := question{states: 1<<established | 1<<closeWait, extension: diagInfo, port: port}.dump(family, func(msg []byte) {
		if age, ok := parseWaiting(msg); ok {
			w.Connections++
			w.Newest = min(w.Newest, age)
		}
	})
	if errors.Is(err, unix.ENOENT) { // there is no tcp_diag
		return nil
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
