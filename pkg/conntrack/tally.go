// SPDX-License-Identifier: Apache-2.0

package conntrack

import "slices"

// Options choose what is counted.
type Options struct {
	// ByDestination counts addresses and prefixes of destinations, not sources.
	ByDestination bool
	// NoAddresses counts no addresses at all.
	NoAddresses bool
	// States leaves out entries in other states, unless it is empty, and Zone
	// those in other zones, unless it is nil.
	States []string
	Zone   *uint16
}

// Tally sums up entries in bounded memory. Totals, states and ports are exact;
// addresses are while there are no more than a table of them holds.
type Tally struct {
	options Options
	clock   *Clock
	kinds   []*kindTally
	kindOf  [1 << 17]uint8 // index in kinds by rawKind.number, from 1
	zones   [1 << 16]uint64
	ports   [1 << 8]*portCounts
	table   *table
	total   uint64 // of those that were chosen
	passed  uint64 // of those that were not
	v6      uint64
	replied uint64
}

type kindTally struct {
	Kind
	chosen bool
	limits [2]limit // of entries that are not, and are, assured
	histogram
}

// portCounts are the entries, and those without a reply, of each port.
type portCounts [1 << 16]struct{ entries, unreplied uint32 }

// NewTally returns an empty tally.
func NewTally(o Options, clock *Clock) *Tally {
	t := &Tally{options: o, clock: clock}
	if !o.NoAddresses {
		t.table = newTable(MaxAddresses, tableClasses)
	}
	return t
}

// Add counts an entry.
func (t *Tally) Add(e *Entry) {
	index := t.kindIndex(e)
	kind := t.kinds[index]
	if !kind.chosen || t.options.Zone != nil && *t.options.Zone != e.Zone {
		t.passed++
		return
	}
	t.total++
	t.zones[e.Zone]++
	if e.Src.Is6() {
		t.v6++
	}
	if e.Replied() {
		t.replied++
	}
	bucket := uint16(unknownTime)
	if seconds, known := t.clock.seconds(e, kind.limits[e.assured()]); known {
		bucket = bucketOf(seconds)
	}
	c := newClass(index, e.Replied(), bucket)
	kind.add(c, 1)
	t.addPort(e)
	t.addAddress(e, c)
}

// kindIndex finds or adds the kind of an entry. When there is no room for more,
// the last stands for all others.
func (t *Tally) kindIndex(e *Entry) uint8 {
	raw := e.rawKind()
	known := &t.kindOf[raw.number()]
	if *known != 0 {
		return *known - 1
	}
	if len(t.kinds) == maxKinds {
		return maxKinds - 1
	}
	k := &kindTally{Kind: raw.kind()}
	if len(t.kinds) == maxKinds-1 {
		k.Kind = Kind{State: "other"}
	}
	k.chosen = len(t.options.States) == 0 || slices.Contains(t.options.States, k.State)
	k.limits = [2]limit{t.clock.limit(k.Kind, false), t.clock.limit(k.Kind, true)}
	t.kinds = append(t.kinds, k)
	*known = uint8(len(t.kinds))
	return *known - 1
}

func (t *Tally) addPort(e *Entry) {
	if !e.hasPorts() {
		return
	}
	ports := t.ports[e.Proto]
	if ports == nil {
		ports = &portCounts{}
		t.ports[e.Proto] = ports
	}
	p := &ports[e.DstPort]
	p.entries++
	if !e.Replied() {
		p.unreplied++
	}
}

func (t *Tally) addAddress(e *Entry, c class) {
	switch {
	case t.table == nil:
	case t.options.ByDestination:
		t.table.add(e.Dst.As16(), c)
	default:
		t.table.add(e.Src.As16(), c)
	}
}
