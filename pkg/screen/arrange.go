// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/state"
)

// order is by what the causes are sorted.
type order int

const (
	byRate order = iota
	byTotal
	byName
	orders
)

// arrange puts the rows of the last look into their order.
func (m Model) arrange() Model {
	now := m.look.now
	m.causes = m.causes.arrange(m.sortedCauses(), now)
	m.sources = m.sources.arrange(keysOf(m.sourceRows(), func(r sourceRow) netip.Prefix { return r.prefix }), now)
	m.destinations = m.destinations.arrange(keysOf(m.destinationRows(), func(d destination) destinationKey { return d.destinationKey }), now)
	if !m.records.chosen || m.records.at == 0 {
		m.records = m.records.release()
		var keys []recordKey
		for i := range m.look.records {
			keys = append(keys, keyOf(&m.look.records[i]))
		}
		m.records = m.records.arrange(keys, now)
	}
	return m
}

func keysOf[R any, K comparable](rows []R, key func(R) K) []K {
	keys := make([]K, len(rows))
	for i, r := range rows {
		keys[i] = key(r)
	}
	return keys
}

func (m Model) sortedCauses() []*cause.Cause {
	var shown []*state.Cause
	for i := range m.snapshotCauses() {
		if c := &m.look.snapshot.Causes[i]; m.notices || c.Cause.Kind == cause.Drop {
			shown = append(shown, c)
		}
	}
	slices.SortStableFunc(shown, func(a, b *state.Cause) int {
		switch m.order {
		case byRate:
			return cmp.Or(cmp.Compare(b.Rate.Minute, a.Rate.Minute), cmp.Compare(b.Count, a.Count))
		case byName:
			return cmp.Compare(a.Cause.ID, b.Cause.ID)
		}
		return cmp.Compare(b.Count, a.Count)
	})
	return keysOf(shown, func(c *state.Cause) *cause.Cause { return c.Cause })
}

func (m Model) snapshotCauses() []state.Cause {
	if m.look.snapshot == nil {
		return nil
	}
	return m.look.snapshot.Causes
}

// causeState is what is known of a cause, nil for nothing.
func (m Model) causeState(c *cause.Cause) *state.Cause {
	all := m.snapshotCauses()
	if i := slices.IndexFunc(all, func(s state.Cause) bool { return s.Cause == c }); i >= 0 {
		return &all[i]
	}
	return nil
}

// chosenCause is that which the cursor is on.
func (m Model) chosenCause() *state.Cause {
	c, ok := m.causes.current()
	if !ok {
		return nil
	}
	return m.causeState(c)
}

// sourceRow is a source, or the network that most of them are in.
type sourceRow struct {
	prefix  netip.Prefix
	count   uint64
	sources int // in the network, 0 for a single one
}

// sourceRows are the sources of the chosen cause, the covering network first.
func (m Model) sourceRows() []sourceRow {
	c := m.chosenCause()
	if c == nil {
		return nil
	}
	var rows []sourceRow
	if r := c.Range; r != nil {
		rows = append(rows, sourceRow{r.Prefix, r.Count, r.NumSources})
	}
	for _, s := range c.Sources {
		rows = append(rows, sourceRow{prefix: netip.PrefixFrom(s.Src, s.Src.BitLen()), count: s.Count})
	}
	return rows
}

// destinationRows are where the packets went: of everything, of the chosen cause, or of
// the chosen source, which only the newest records tell.
func (m Model) destinationRows() []destination {
	switch {
	case m.look.snapshot == nil:
		return nil
	case m.depth == overview:
		return destinationsOf(m.look.snapshot, nil, m.notices)
	case m.depth == ofCause:
		c, _ := m.causes.current()
		return destinationsOf(m.look.snapshot, c, true)
	case m.depth == ofSource && m.look.question.anywhere && m.look.question.source.IsValid():
		return destinationsIn(m.look.records)
	}
	return m.keptDestinations()
}

// keptDestinations are those that the user came by.
func (m Model) keptDestinations() []destination {
	kept := make([]destination, len(m.destinations.keys))
	for i, k := range m.destinations.keys {
		kept[i] = destination{destinationKey: k}
	}
	return kept
}
