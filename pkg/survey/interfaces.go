// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"errors"
	"fmt"

	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/vishvananda/netlink"
)

// readInterfaces reads what the interfaces of the calling thread's namespace received
// and lost. It asks rtnetlink, as /sys shows the namespace in which it was mounted.
func readInterfaces() ([]nstat.Interface, error) {
	links, err := netlink.LinkList()
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) { // some came or went
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	all := []nstat.Interface{}
	for _, link := range links {
		attrs := link.Attrs()
		i := nstat.Interface{Name: attrs.Name}
		if s := attrs.Statistics; s != nil {
			i.Packets = s.RxPackets
			for _, l := range []nstat.Loss{
				{Counter: "rx_missed_errors", Count: s.RxMissedErrors},
				{Counter: "rx_fifo_errors", Count: s.RxFifoErrors},
				{Counter: "rx_over_errors", Count: s.RxOverErrors},
			} {
				if l.Count > 0 {
					i.Losses = append(i.Losses, l)
				}
			}
		}
		all = append(all, i)
	}
	return all, nil
}
