// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"encoding/binary"
	"errors"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// question is what a dump of the TCP sockets of a family is to hold.
type question struct {
	states    uint32 // a bit each
	extension uint8  // one of INET_DIAG_*, 0 for none
	port      uint16 // the local one, 0 for any
}

// dump asks the kernel for the sockets of the calling thread's namespace, and calls each
// with a struct inet_diag_msg and its attributes. A dump that was interrupted, as
// sockets came and went, is no error: it is asked for again soon.
func (q question) dump(family uint8, each func(msg []byte)) error {
	request := make([]byte, diagRequestLen)
	request[0], request[1] = family, unix.IPPROTO_TCP
	if q.extension > 0 {
		request[diagExtensions] = 1 << (q.extension - 1)
	}
	binary.NativeEndian.PutUint32(request[diagStates:], q.states)
	binary.BigEndian.PutUint16(request[diagRequestPort:], q.port)
	req := nl.NewNetlinkRequest(nl.SOCK_DIAG_BY_FAMILY, unix.NLM_F_DUMP)
	req.AddRawData(request)
	err := req.ExecuteIter(unix.NETLINK_INET_DIAG, nl.SOCK_DIAG_BY_FAMILY, func(msg []byte) bool {
		each(msg)
		return true
	})
	if errors.Is(err, nl.ErrDumpInterrupted) {
		return nil
	}
	return err
}
