// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"net/netip"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
)

// Addresses knows the addresses of network namespaces; netns.AddressReader is one.
type Addresses interface {
	// Local says whether an address is one of the namespace, and whether that is known,
	// or may be known later.
	Local(id netns.ID, ip netip.Addr) (local, known, later bool)
}

// direct tells the direction of an event where the source could not: what died before
// it was routed, an entry that was evicted, and what is for all of a link. It is empty where the namespace's
// addresses are not known, and later says that they may be soon: then the direction is
// left as it was.
func (w *watcher) direct(e *event.Event) (later bool) {
	var d event.Direction
	switch e.Direction {
	case event.Forward:
		// Multicast that is routed as if to elsewhere, which the link's own never is.
		if e.Dst.Addr().IsLinkLocalMulticast() {
			e.Direction = event.In
		}
		return false
	case event.Unrouted:
		d, later = w.byAddress(e.Netns, endpoint{e.Dst.Addr(), event.In})
	case event.Untold:
		d, later = w.byAddress(e.Netns, endpoint{e.Src.Addr(), event.Out}, endpoint{e.Dst.Addr(), event.In})
	default:
		return false
	}
	if !later {
		e.Direction = d
	}
	return later
}

// endpoint is an address, and the direction of a packet whose endpoint that is if it is
// the namespace's own.
type endpoint struct {
	ip    netip.Addr
	local event.Direction
}

// byAddress is the direction by the first endpoint that is local.
func (w *watcher) byAddress(id netns.ID, ends ...endpoint) (d event.Direction, later bool) {
	if w.Addresses == nil {
		return "", false
	}
	for _, end := range ends {
		if !end.ip.IsValid() {
			return "", false
		}
		local, known, later := w.Addresses.Local(id, end.ip)
		switch {
		case !known:
			return "", later
		case local:
			return end.local, false
		}
	}
	return event.Forward, false
}
