// SPDX-License-Identifier: Apache-2.0

package conntracktest

import (
	"encoding/binary"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// CountMessages dumps the table of the calling thread's namespace and only counts the
// messages: no reader of the table can be faster.
func CountMessages() (n int, err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return 0, fmt.Errorf("open netlink: %w", err)
	}
	defer unix.Close(fd)
	request := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_CTNETLINK<<8|nl.IPCTNL_MSG_CT_GET, unix.NLM_F_DUMP)
	request.AddData(&nl.Nfgenmsg{Version: nl.NFNETLINK_V0})
	if err := unix.Sendto(fd, request.Serialize(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return 0, fmt.Errorf("dump conntrack: %w", err)
	}
	answer := make([]byte, 32<<10)
	for {
		length, err := unix.Read(fd, answer)
		if err != nil {
			return n, fmt.Errorf("dump conntrack: %w", err)
		}
		for rest := answer[:length]; len(rest) > 0; n++ {
			switch binary.NativeEndian.Uint16(rest[4:]) {
			case unix.NLMSG_DONE:
				return n, nil
			case unix.NLMSG_ERROR:
				return n, fmt.Errorf("dump conntrack: %w", unix.Errno(-int32(binary.NativeEndian.Uint32(rest[unix.SizeofNlMsghdr:]))))
			}
			rest = rest[min((int(binary.NativeEndian.Uint32(rest))+3)&^3, len(rest)):]
		}
	}
}
