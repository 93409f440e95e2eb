// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// ErrCannot is wrapped by the errors that mean that this machine, or this user,
// cannot read the table.
var ErrCannot = errors.New("cannot read the conntrack table")

var errCutOff = errors.New("read the conntrack table: the kernel did not say that it was at the end")

const (
	// answerSize is as much as the kernel ever puts into one answer to a dump
	// (net/netlink/af_netlink.c:netlink_recvmsg).
	answerSize = 32 << 10
	// buffers let the kernel fill one while another is being decoded. Each takes
	// many answers, as to wake the other side costs time.
	buffers    = 2
	bufferSize = 16 * answerSize
)

// Conn is a netlink socket in the network namespace in which it was opened.
//
// It is not nl.NetlinkRequest.ExecuteIter, which copies each answer and lists
// its messages anew: 100 kB of garbage for each 32 kB, more than the table of
// sources takes altogether.
type Conn struct {
	fd      int
	closing sync.Once
	closed  error
}

// Open opens a socket in the calling thread's network namespace.
func Open() (*Conn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_NETFILTER)
	switch {
	case errors.Is(err, unix.EPROTONOSUPPORT):
		return nil, fmt.Errorf("%w: this kernel has no nfnetlink", ErrCannot)
	case err != nil:
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	// Of other processes, a socket that is connected to the kernel takes no messages
	// (net/netlink/af_netlink.c:netlink_getsockbyportid).
	if err := unix.Connect(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, errors.Join(fmt.Errorf("connect netlink: %w", err), unix.Close(fd))
	}
	return &Conn{fd: fd}, nil
}

// Close closes the socket. Called again it does nothing: the number may be
// another file's by then.
func (c *Conn) Close() error {
	c.closing.Do(func() { c.closed = unix.Close(c.fd) })
	return c.closed
}

// Dumped is how a dump went.
type Dumped struct {
	Entries   uint64
	Malformed uint64 // messages that could not be read, which were not handed over
	// Interrupted says that the kernel owned to having missed some.
	Interrupted bool
}

// Dump hands every entry of a family (AF_UNSPEC for all) to fn, in no order. An
// entry that comes or goes during the dump may be missing.
func (c *Conn) Dump(ctx context.Context, family uint8, fn func(*Entry)) (Dumped, error) {
	var d Dumped
	if err := c.ask(nl.IPCTNL_MSG_CT_GET, family); err != nil {
		return d, err
	}
	free, filled := make(chan []byte, buffers), make(chan []byte, buffers)
	for range buffers {
		free <- make([]byte, bufferSize)
	}
	received := make(chan error, 1)
	go func() {
		defer close(filled)
		received <- c.receive(ctx, free, filled)
	}()
	end := errCutOff
	for b := range filled {
		if ended, err := d.decode(b, fn); ended {
			end = err
		}
		free <- b[:bufferSize]
	}
	return d, cmp.Or(<-received, end)
}

// ask asks for a dump by what it is of, an IPCTNL_MSG_CT_GET….
func (c *Conn) ask(what int, family uint8) error {
	request := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_CTNETLINK<<8|what, unix.NLM_F_DUMP)
	request.AddData(&nl.Nfgenmsg{NfgenFamily: family, Version: nl.NFNETLINK_V0})
	if _, err := unix.Write(c.fd, request.Serialize()); err != nil {
		return fmt.Errorf("ask for a dump of conntrack: %w", err)
	}
	return nil
}
