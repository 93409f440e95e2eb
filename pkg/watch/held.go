// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
)

const (
	// maxHeld bounds the events that wait, and undirectedFor how long they do for their
	// directions unless Config.MaxUndirected says otherwise: a namespace that was just
	// made is found by a search that takes its time. The end of a run is put off for them
	// by one part in lastShare of that.
	maxHeld       = 4096
	undirectedFor = 10 * time.Second
	lastShare     = 5
	// maxUnfound bounds those of them that wait for nothing but their namespaces, and
	// unfoundFor how long they do unless Config.MaxUnfound says otherwise: their records
	// would only lack a name.
	maxUnfound = maxHeld / 2
	unfoundFor = 150 * time.Millisecond
)

// held is an event that waits until its direction is known and its namespace was found,
// which gives that a name.
type held struct {
	event     event.Event
	rule      *cause.Rule
	namespace *namespace
	// directed and found are until when it waits for the one and for the other.
	directed, found time.Time
}

// handle counts an event and records it as soon as its direction is known and its
// namespace was found.
func (w *watcher) handle(e *event.Event, rule *cause.Rule, n *namespace, now time.Time) error {
	if !w.cause(rule.Cause) {
		return nil
	}
	later := w.direct(e)
	if later && len(w.held) < maxHeld || n.awaited && len(w.held) < maxUnfound {
		w.held = append(w.held, held{*e, rule, n, now.Add(w.MaxUndirected), now.Add(w.MaxUnfound)})
		return nil
	}
	if e.Direction == event.Unrouted || e.Direction == event.Untold { // there is no room to wait
		e.Direction = ""
	}
	return w.handleDirected(e, rule, now)
}

// handleHeld handles the events that wait for nothing any more, or have waited for long
// enough. After the end of the counting no namespace is searched for.
func (w *watcher) handleHeld(now time.Time) error {
	waiting := w.held
	w.held = nil
	for i := range waiting {
		h := &waiting[i]
		later := w.direct(&h.event)
		unfound := h.namespace.awaited && w.ended.IsZero()
		if later && now.Before(h.directed) || unfound && now.Before(h.found) {
			w.held = append(w.held, *h)
			continue
		}
		if later {
			h.event.Direction = ""
		}
		if err := w.handleDirected(&h.event, h.rule, now); err != nil {
			return err
		}
	}
	return nil
}

// awaitDirections handles the rest of them, for which it waits a little.
func (w *watcher) awaitDirections() error {
	for end := w.Now().Add(w.MaxUndirected / lastShare); len(w.held) > 0; time.Sleep(pause) {
		now := w.Now()
		if now.After(end) {
			now = now.Add(w.MaxUndirected)
		}
		if err := w.handleHeld(now); err != nil {
			return err
		}
	}
	return nil
}
