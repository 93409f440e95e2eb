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

// receive fills buffers until the end of the dump.
func (c *Conn) receive(ctx context.Context, free <-chan []byte, filled chan<- []byte) error {
	for b := range free {
		used := 0
		for used+answerSize <= len(b) {
			if err := ctx.Err(); err != nil {
				return err
			}
			n, err := c.answer(b[used:])
			if err != nil {
				return err
			}
			end, err := ended(b[used : used+n])
			used += align(n)
			if end || err != nil {
				filled <- b[:used]
				return err
			}
		}
		filled <- b[:used]
	}
	return nil
}

// answer reads one answer, of which there may be nothing.
func (c *Conn) answer(b []byte) (int, error) {
	n, from, err := unix.Recvfrom(c.fd, b, 0)
	switch {
	case errors.Is(err, unix.EINTR):
		return 0, nil
	case errors.Is(err, unix.EAGAIN):
		return 0, fmt.Errorf("read the conntrack table: no answer for %v", silence)
	case err != nil:
		return 0, fmt.Errorf("read the conntrack table: %w", err)
	}
	if kernel, ok := from.(*unix.SockaddrNetlink); !ok || kernel.Pid != nl.PidKernel {
		return 0, nil // anybody may write to a netlink socket
	}
	return n, nil
}

// ended says whether an answer is the last one, and what went wrong.
func ended(b []byte) (bool, error) {
	for m := (messages{rest: b}); m.next(); {
		switch m.kind {
		case unix.NLMSG_DONE, unix.NLMSG_ERROR:
			return true, refusal(m.data)
		}
	}
	return false, nil
}

// refusal reads the error number that ends a dump.
func refusal(b []byte) error {
	if len(b) < 4 {
		return nil
	}
	errno := unix.Errno(-int32(binary.NativeEndian.Uint32(b)))
	switch errno {
	case 0:
		return nil
	case unix.EPERM:
		return fmt.Errorf("%w: it takes root, or CAP_NET_ADMIN in that network namespace", ErrCannot)
	case unix.EINVAL, unix.EOPNOTSUPP: // nfnetlink.c: nothing answers for this subsystem
		return fmt.Errorf("%w: the kernel's module nf_conntrack_netlink is missing", ErrCannot)
	}
	return fmt.Errorf("read the conntrack table: %w", errno)
}

// decode hands the entries of an answer to fn.
func (d *Dumped) decode(b []byte, fn func(*Entry)) {
	var e Entry
	for m := (messages{rest: b}); m.next(); {
		d.Interrupted = d.Interrupted || m.flags&unix.NLM_F_DUMP_INTR != 0
		if m.kind != unix.NFNL_SUBSYS_CTNETLINK<<8|nl.IPCTNL_MSG_CT_NEW {
			continue
		}
		if err := e.decode(m.data); err != nil {
			d.Malformed++
			continue
		}
		d.Entries++
		fn(&e)
	}
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
