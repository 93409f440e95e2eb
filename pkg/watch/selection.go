// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
)

// Selection says which events are worth a record.
type Selection struct {
	// Causes are those to record; empty for all.
	Causes []*cause.Cause
	// Directions are those to record; empty for all. What has a direction that cannot be
	// known is recorded only if these are empty.
	Directions []event.Direction
	// Protos are the protocols to record. If these are empty and AllProtos is false, it
	// is TCP, and of causes that concern every protocol (cause.Rule.AnyProto) all.
	Protos    []event.Proto
	AllProtos bool
	// Notices asks for records of events that drop nothing.
	Notices bool
}

// cause says whether events of a cause are wanted.
func (s *Selection) cause(c *cause.Cause) bool {
	return len(s.Causes) == 0 || slices.Contains(s.Causes, c)
}

// direction says whether events of a direction are wanted.
func (s *Selection) direction(d event.Direction) bool {
	return len(s.Directions) == 0 || slices.Contains(s.Directions, d)
}

// proto says whether an event is wanted for its protocol.
func (s *Selection) proto(e *event.Event, rule *cause.Rule) bool {
	switch {
	case s.AllProtos:
		return true
	case len(s.Protos) > 0:
		return slices.Contains(s.Protos, e.Proto)
	}
	return e.Proto == event.TCP || rule.AnyProto()
}

// onlyTCP says whether no other protocol was asked for.
func (s *Selection) onlyTCP() bool {
	other := func(p event.Proto) bool { return p != event.TCP }
	return !s.AllProtos && !slices.ContainsFunc(s.Protos, other)
}

// protoOf is the protocol of an event. It is 0 where only that it is not TCP is known: the
// source had no room for more.
func protoOf(e *event.Event) event.Proto {
	if e.Proto == 0 && !e.Facts.Has(event.OtherProtocol) {
		return event.TCP
	}
	return e.Proto
}

// attributed is an event, which is large to move about, with its rule.
type attributed struct {
	event *event.Event
	rule  *cause.Rule
}

// attribute finds the rules of events and leaves out those that are no drops, or not of
// a protocol that is wanted.
func (w *watcher) attribute(events []event.Event, now time.Time) []attributed {
	found := make([]attributed, 0, len(events))
	for i := range events {
		e := &events[i]
		e.Proto = protoOf(e)
		rule := w.attributor.Attribute(e)
		switch {
		case rule == nil:
			w.Source.Ignore(i)
		case rule.Cause.Kind != cause.Benign && w.proto(e, rule):
			found = append(found, attributed{e, rule})
		case rule.Counters != nil || rule.Counters6 != nil:
			w.attributeCounters(e, rule, now)
		// Of TCP and of other protocols there are never events of the same kind, but
		// those of all other protocols are of one kind.
		case rule.Cause.Kind == cause.Benign || e.Facts.Has(event.OtherProtocol) && w.onlyTCP():
			w.Source.Ignore(i)
		}
	}
	return found
}

// attributeCounters notes in the event's namespace how far it moved counters.
func (w *watcher) attributeCounters(e *event.Event, rule *cause.Rule, now time.Time) *namespace {
	n := w.namespaces.of(e.Netns, now)
	w.schedule.met[n.id] = true
	for _, counter := range rule.CountersOf(e) {
		n.attributed.add(counter, e.Count)
	}
	return n
}
