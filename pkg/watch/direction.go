// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"net/netip"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
)

// Addresses knows the addresses of network namespaces; netns.AddressReader is one.
type Addresses interface {
	// Local says whether an address is one of the namespace, and whether that is known.
	Local(id netns.ID, ip netip.Addr) (local, known bool)
}

// direct tells the direction of an event where the source could not: what died before
// it was routed, an entry that was evicted, and what is for all of a link. It is empty where the namespace's
// addresses are not known.
func (w *watcher) direct(e *event.Event) {
	switch e.Direction {
	case event.Forward:
		// Multicast that is routed as if to elsewhere, which the link's own never is.
		if e.Dst.Addr().IsLinkLocalMulticast() {
			e.Direction = event.In
		}
	case event.Unrouted:
		e.Direction = w.byAddress(e.Netns, endpoint{e.Dst.Addr(), event.In})
	case event.Untold:
		e.Direction = w.byAddress(e.Netns, endpoint{e.Src.Addr(), event.Out}, endpoint{e.Dst.Addr(), event.In})
	}
}

// endpoint is an address, and the direction of a packet whose endpoint that is if it is
// the namespace's own.
type endpoint struct {
	ip    netip.Addr
	local event.Direction
}

// byAddress is the direction by the first endpoint that is local.
func (w *watcher) byAddress(id netns.ID, ends ...endpoint) event.Direction {
	if w.Addresses == nil {
		return ""
	}
	for _, end := range ends {
		if !end.ip.IsValid() {
			return ""
		}
		local, known := w.Addresses.Local(id, end.ip)
		switch {
		case !known:
			return ""
		case local:
			return end.local
		}
	}
	return event.Forward
}
