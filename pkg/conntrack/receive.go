// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// receive fills buffers until there is no answer left. The kernel writes the first
// when it is asked, and each further one when the one before it is read, so that
// there is always one until the dump ends (net/netlink/af_netlink.c:
// __netlink_dump_start, netlink_recvmsg).
func (c *Conn) receive(ctx context.Context, free <-chan []byte, filled chan<- []byte) error {
	for b := range free {
		used := 0
		for used+answerSize <= len(b) {
			if err := ctx.Err(); err != nil {
				return err
			}
			n, err := unix.Read(c.fd, b[used:])
			switch {
			case errors.Is(err, unix.EAGAIN):
				filled <- b[:used]
				return nil
			case err != nil:
				return fmt.Errorf("read the conntrack table: %w", err)
			}
			used += align(n)
		}
		filled <- b[:used]
	}
	return nil
}

// refusal reads the error number that ends a dump. What this machine or user cannot
// do wraps cannot.
func refusal(b []byte, cannot error) error {
	if len(b) < 4 {
		return nil
	}
	errno := unix.Errno(-int32(binary.NativeEndian.Uint32(b)))
	switch errno {
	case 0:
		return nil
	case unix.EPERM:
		return fmt.Errorf("%w: it takes root, or CAP_NET_ADMIN in that network namespace", cannot)
	case unix.EINVAL, unix.EOPNOTSUPP: // nfnetlink.c: nothing answers for this subsystem
		return fmt.Errorf("%w: %w", cannot, ErrNoNetlink)
	}
	return fmt.Errorf("dump conntrack: %w", errno)
}

// decode hands the entries of answers to fn. It says whether they end the dump,
// and what went wrong.
func (d *Dumped) decode(b []byte, fn func(*Entry)) (ended bool, err error) {
	var e Entry
	for m := (messages{rest: b}); m.next(); {
		d.Interrupted = d.Interrupted || m.flags&unix.NLM_F_DUMP_INTR != 0
		switch m.kind {
		case unix.NFNL_SUBSYS_CTNETLINK<<8 | nl.IPCTNL_MSG_CT_NEW:
			if e.decode(m.data) != nil {
				d.Malformed++
				continue
			}
			d.Entries++
			fn(&e)
		case unix.NLMSG_DONE, unix.NLMSG_ERROR:
			return true, refusal(m.data, ErrCannot)
		}
	}
	return false, nil
}

// messages goes through a row of netlink messages. It ends at the first that
// does not fit.
type messages struct {
	kind, flags uint16
	data, rest  []byte
}

func (m *messages) next() bool {
	if len(m.rest) < unix.SizeofNlMsghdr {
		return false
	}
	length := int(binary.NativeEndian.Uint32(m.rest))
	if length < unix.SizeofNlMsghdr || length > len(m.rest) {
		return false
	}
	m.kind = binary.NativeEndian.Uint16(m.rest[4:])
	m.flags = binary.NativeEndian.Uint16(m.rest[6:])
	m.data = m.rest[unix.SizeofNlMsghdr:length]
	m.rest = m.rest[min(align(length), len(m.rest)):]
	return true
}
