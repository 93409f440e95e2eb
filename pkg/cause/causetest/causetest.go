// SPDX-License-Identifier: Apache-2.0

// Package causetest holds recordings of provocations on real kernels: the events
// that the probe decoded, and what each kernel lets it observe. The kernel tests of
// cmd/synwatch record, the tests of package cause replay.
package causetest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/synwatch/synwatch/pkg/event"
)

// Event is a kind of decoded events, without what differs from one run to the next.
type Event struct {
	Hook string `json:"hook"`
	// Facts are names in the order of the alphabet, separated by "|".
	Facts    string `json:"facts,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Location string `json:"location,omitempty"`
	// Src and Dst say whether the addresses are known.
	Src bool `json:"src,omitempty"`
	Dst bool `json:"dst,omitempty"`
}

// Of describes an event.
func Of(e *event.Event) Event {
	known := func(unspecified bool) bool { return !unspecified }
	return Event{
		Hook: string(e.Hook), Facts: strings.Join(factNames(e.Facts), "|"), Reason: e.Reason, Location: e.Location,
		Src: known(e.Src.Addr().IsUnspecified()), Dst: known(e.Dst.Addr().IsUnspecified()),
	}
}

// Decode is the reverse of Of: one event of a family's traffic, whose address is the
// unspecified one.
func (e *Event) Decode(family string) (event.Event, error) {
	facts, err := parseFacts(e.Facts)
	return event.Event{
		Hook: event.Hook(e.Hook), Facts: facts, Reason: e.Reason, Location: e.Location, Count: 1,
		Dst: netip.AddrPortFrom(unspecified(family), 0),
	}, err
}

// IPv6 is the family whose packets are IPv6's; those of mapped addresses are not.
const IPv6 = "v6"

func unspecified(family string) netip.Addr {
	if family == IPv6 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

func factNames(facts event.Facts) []string {
	return slices.Sorted(strings.SplitSeq(facts.String(), "|"))
}

var factsByName = func() map[string]event.Facts {
	byName := map[string]event.Facts{}
	for bit := event.Facts(1); event.AllFacts.Has(bit); bit <<= 1 {
		byName[bit.String()] = bit
	}
	return byName
}()

func parseFacts(names string) (event.Facts, error) {
	var facts event.Facts
	for name := range strings.SplitSeq(names, "|") {
		if name == "" {
			continue
		}
		fact, ok := factsByName[name]
		if !ok {
			return 0, fmt.Errorf("there is no fact %q: record again (make record)", name)
		}
		facts |= fact
	}
	return facts, nil
}

// Want is what a provocation must give.
type Want struct {
	Cause  string `json:"cause"`
	Stage  string `json:"stage,omitempty"`
	Reason string `json:"reason,omitempty"`
	Notice bool   `json:"notice,omitempty"`
	// Kinds is how many kinds of events are named so.
	Kinds uint64 `json:"kinds"`
}

// Provoked is what one provocation gives on some kernels. Some can be provoked, but
// not equally often each time, so each kind of events is there as if it had happened
// once.
type Provoked struct {
	// Name is that of the provocation.
	Name string `json:"name"`
	// Unseen says that the kernel does not show all of it: what must be named is
	// named by the provoked causes, more generally, or as other.
	Unseen bool `json:"unseen,omitempty"`
	// Partial says that it was provoked together with what the kernel does not show.
	Partial bool   `json:"partial,omitempty"`
	Want    []Want `json:"want"`
	// Counters are the kernel's own, as far as rules name them and they move. Those
	// of what is unseen or partial are not compared.
	Counters map[string]uint64 `json:"counters,omitempty"`
	Events   []Event           `json:"events"`
}
