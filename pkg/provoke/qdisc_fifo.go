// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"os"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// addFIFO gives a device a queue of one byte, which takes no packet
// (net/sched/sch_fifo.c:bfifo_enqueue). Each kernel with queueing disciplines has it.
func addFIFO(ns *os.File, index int) (undo func() error, err error) {
	root := nl.TcMsg{Family: unix.AF_UNSPEC, Ifindex: int32(index), Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT}
	err = netns.Inside(ns, func() error {
		req := nl.NewNetlinkRequest(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
		req.AddData(&root)
		req.AddData(nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated("bfifo")))
		req.AddData(nl.NewRtAttr(nl.TCA_OPTIONS, nl.Uint32Attr(1))) // struct tc_fifo_qopt
		_, err := req.Execute(unix.NETLINK_ROUTE, 0)
		return err
	})
	if err != nil {
		return nil, joinErr("add bfifo", err)
	}
	return func() error {
		return joinErr("remove bfifo", netns.Inside(ns, func() error {
			req := nl.NewNetlinkRequest(unix.RTM_DELQDISC, unix.NLM_F_ACK)
			req.AddData(&root)
			_, err := req.Execute(unix.NETLINK_ROUTE, 0)
			return err
		}))
	}, nil
}

// leaveNoRoom has a shaper without room for one packet, or where the kernel has none
// such a queue.
func leaveNoRoom(ns *os.File, index int) (undo func() error, err error) {
	if isLeftOut(featTBF) {
		return addFIFO(ns, index)
	}
	undo, err = addQdisc(ns, index, withoutRoom)
	if errors.Is(err, os.ErrNotExist) {
		return addFIFO(ns, index)
	}
	return undo, err
}
