// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// include/uapi/linux/netfilter/nfnetlink_queue.h and nfnetlink_cthelper.h
const (
	subsysQueue    = 3
	subsysCTHelper = 9

	queueConfig       = 2
	queueVerdictBatch = 3

	helperNew = 0
	helperDel = 2
)

// nfnetlinkMessage is a request of a subsystem, with its struct nfgenmsg.
func nfnetlinkMessage(subsys, kind uint16, flags netlink.HeaderFlags, resource uint16, attrs func(*netlink.AttributeEncoder)) (netlink.Message, error) {
	enc := netlink.NewAttributeEncoder()
	enc.ByteOrder = binary.BigEndian
	attrs(enc)
	data, err := enc.Encode()
	if err != nil {
		return netlink.Message{}, err
	}
	head := binary.BigEndian.AppendUint16([]byte{unix.AF_UNSPEC, 0}, resource)
	return netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(subsys<<8 | kind), Flags: netlink.Request | flags},
		Data:   append(head, data...),
	}, nil
}

// nfqueue holds packets until it sets their verdict.
type nfqueue struct {
	conn *netlink.Conn
	num  uint16
}

func openQueue(netns *os.File, num uint16) (*nfqueue, error) {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: int(netns.Fd())})
	if err != nil {
		return nil, fmt.Errorf("open nfnetlink: %w", err)
	}
	bind := func(e *netlink.AttributeEncoder) { e.Bytes(1, []byte{1, 0, 0, 0}) }       // NFQNL_CFG_CMD_BIND
	headers := func(e *netlink.AttributeEncoder) { e.Bytes(2, []byte{0, 0, 0, 0, 1}) } // NFQNL_COPY_META
	for _, attrs := range []func(*netlink.AttributeEncoder){bind, headers} {
		msg, err := nfnetlinkMessage(subsysQueue, queueConfig, netlink.Acknowledge, num, attrs)
		if err == nil {
			_, err = conn.Execute(msg)
		}
		if err != nil {
			return nil, joinErr("bind packet queue", err, conn.Close())
		}
	}
	return &nfqueue{conn, num}, nil
}

// release accepts all packets. The kernel passes them on before it returns.
func (q *nfqueue) release() error {
	const attrVerdict, anyID = 2, 1 << 30
	msg, err := nfnetlinkMessage(subsysQueue, queueVerdictBatch, 0, q.num, func(e *netlink.AttributeEncoder) {
		e.Bytes(attrVerdict, binary.BigEndian.AppendUint32([]byte{0, 0, 0, 1 /* NF_ACCEPT */}, anyID))
	})
	if err == nil {
		_, err = q.conn.Send(msg)
	}
	return joinErr("release queued packets", err)
}

// queuedPackets reads how many packets the namespace's one queue holds.
func (l *Lab) queuedPackets() (n int, err error) {
	err = l.ServerDo(func() error {
		text, err := os.ReadFile("/proc/thread-self/net/netfilter/nfnetlink_queue")
		if err != nil {
			return err
		}
		// number, port id, packets, …
		fields := strings.Fields(string(text))
		if len(fields) < 3 {
			return fmt.Errorf("read nfnetlink_queue: %q", text)
		}
		n, err = strconv.Atoi(fields[2])
		return err
	})
	return n, err
}

// helperRequest is about a conntrack helper of a port that is not used.
func helperRequest(kind uint16, flags netlink.HeaderFlags) (netlink.Message, error) {
	const name, tuple, queueNum, policy, privateLen, status = 1, 2, 3, 4, 5, 6
	return nfnetlinkMessage(subsysCTHelper, kind, flags|netlink.Acknowledge, 0, func(e *netlink.AttributeEncoder) {
		e.String(name, "provoke")
		e.Nested(tuple, func(e *netlink.AttributeEncoder) error {
			e.Uint16(1, unix.AF_INET)
			e.Uint8(2, unix.IPPROTO_TCP)
			return nil
		})
		if kind != helperNew {
			return
		}
		e.Uint32(queueNum, 65535)
		e.Uint32(privateLen, 0)
		e.Uint32(status, 0)
		e.Nested(policy, func(e *netlink.AttributeEncoder) error {
			e.Uint32(1, 1)
			e.Nested(2, func(e *netlink.AttributeEncoder) error {
				e.String(1, "provoke")
				e.Uint32(2, 1)
				e.Uint32(3, 1)
				return nil
			})
			return nil
		})
	})
}

// helper asks for a conntrack helper to be made or removed.
func helper(netns *os.File, kind uint16, flags netlink.HeaderFlags) error {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: int(netns.Fd())})
	if err != nil {
		return fmt.Errorf("open nfnetlink: %w", err)
	}
	defer conn.Close()
	msg, err := helperRequest(kind, flags)
	if err == nil {
		_, err = conn.Execute(msg)
	}
	return joinErr("conntrack helper", err)
}
