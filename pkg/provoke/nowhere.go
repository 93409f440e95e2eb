// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net/netip"

	"github.com/vishvananda/netlink"
)

// nowhere has the clients want an address that there is no route to.
func (p *passage) nowhere() {
	a := p.host.addr.AsSlice()
	a[1] ^= 0x80 // of a network that there is not
	p.wants(a)
}

// unanswered has the clients want an address in the host's network that nobody has, and
// the server give up soon: after one question and a tenth of a second.
func (p *passage) unanswered() {
	a := p.host.addr.AsSlice()
	a[len(a)-1] = 9
	p.wants(a)
	p.server.sysctls(givingUp(p.egress, "212992"))
}

// wants has them want an address that the host does not have.
func (p *passage) wants(a []byte) {
	p.host.addr, _ = netip.AddrFromSlice(a)
	p.host.inum = 0
}

// awaitFailed waits until the namespace has given a neighbour up. What waited for it
// is freed in the same go (net/core/neighbour.c:neigh_timer_handler), before this CPU
// gets to anything that is sent to it.
func (w *wiring) awaitFailed(device string, host netip.Addr) {
	index := w.link(device).Attrs().Index
	w.do("wait for a neighbour to be given up", func() error {
		return until(w.b.ctx, host.String(), func() (bool, error) {
			n, err := neighbourOf(w.h, index, host)
			return n != nil && n.State == netlink.NUD_FAILED, err
		})
	})
	w.b.syncAll()
}
