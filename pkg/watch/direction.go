// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"net/netip"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
)

// Addresses knows the addresses of network namespaces; netns.AddressReader is one.
type Addresses interface {
	// Local says whether an address is one of the namespace, and whether that is known,
	// or may be known later.
	Local(id netns.ID, ip netip.Addr) (local, known, later bool)
}

const (
	// maxUndirected bounds the events that wait for their directions, and undirectedFor
	// how long they do unless Config.MaxUndirected says otherwise: a namespace that was
	// just made is found by a search that takes its time. The end of a run is put off
	// for them by one part in lastShare of that.
	maxUndirected = 4096
	undirectedFor = 10 * time.Second
	lastShare     = 5
)

// undirected is an event that waits for its direction.
type undirected struct {
	event event.Event
	rule  *cause.Rule
	until time.Time
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

// handle counts an event and records it as soon as its direction is known.
func (w *watcher) handle(e *event.Event, rule *cause.Rule, now time.Time) error {
	if !w.cause(rule.Cause) {
		return nil
	}
	if w.direct(e) && len(w.undirected) < maxUndirected {
		w.undirected = append(w.undirected, undirected{*e, rule, now.Add(w.MaxUndirected)})
		return nil
	}
	if e.Direction == event.Unrouted || e.Direction == event.Untold { // there is no room to wait
		e.Direction = ""
	}
	return w.handleDirected(e, rule, now)
}

// handleUndirected handles the events whose directions are known by now, or that have
// waited for long enough.
func (w *watcher) handleUndirected(now time.Time) error {
	waiting := w.undirected
	w.undirected = nil
	for i := range waiting {
		u := &waiting[i]
		later := w.direct(&u.event)
		if later && now.Before(u.until) {
			w.undirected = append(w.undirected, *u)
			continue
		}
		if later {
			u.event.Direction = ""
		}
		if err := w.handleDirected(&u.event, u.rule, now); err != nil {
			return err
		}
	}
	return nil
}

// awaitDirections handles the rest of them, for which it waits a little.
func (w *watcher) awaitDirections() error {
	for end := w.Now().Add(w.MaxUndirected / lastShare); len(w.undirected) > 0; time.Sleep(pause) {
		now := w.Now()
		if now.After(end) {
			now = now.Add(w.MaxUndirected)
		}
		if err := w.handleUndirected(now); err != nil {
			return err
		}
	}
	return nil
}
