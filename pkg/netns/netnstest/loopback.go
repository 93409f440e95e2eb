// SPDX-License-Identifier: Apache-2.0

package netnstest

import "github.com/vishvananda/netlink"

// LoopbackUp brings up the loopback device of the calling thread's namespace. A new
// namespace has it down.
func LoopbackUp() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}
