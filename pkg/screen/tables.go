// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"cmp"
	"slices"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
)

// tablePanel lists the connection tracking tables, the fullest first.
func (m Model) tablePanel(width, room int) []string {
	if m.look.snapshot == nil || room <= 1 {
		return nil
	}
	known := tablesOf(m.look.snapshot)
	if len(known) == 0 {
		return nil
	}
	p := m.pen
	tables := slices.SortedFunc(slices.Values(known), func(a, b stream.Table) int {
		return cmp.Compare(fillOf(b), fillOf(a))
	})
	lines := []string{p.rule("connection tracking", width)}
	for _, t := range tables[:min(len(tables), room-1)] {
		ink := fillInk(&t)
		lines = append(lines, " "+p.left(plain, m.tableWord(&t), 28)+" "+p.put(ink, bar(uint64(t.Count), uint64(t.Max), 24))+
			p.right(ink, percent(uint64(t.Count), uint64(t.Max)), 6)+p.right(plain, number(uint64(t.Count), 11), 12)+p.put(faint, " of "+number(uint64(t.Max), 11)))
	}
	return lines
}

// tablesOf are the tables as they were measured, or, where nothing was, as the newest drops
// met them.
func tablesOf(s *state.Snapshot) []stream.Table {
	if len(s.Tables) > 0 {
		return s.Tables
	}
	newest := map[netns.ID]*state.Place{}
	for i := range s.Places {
		p := &s.Places[i]
		if p.Conntrack != nil && (newest[p.Netns] == nil || p.Last.After(newest[p.Netns].Last)) {
			newest[p.Netns] = p
		}
	}
	var tables []stream.Table
	for _, p := range newest {
		tables = append(tables, stream.Table{Netns: p.Netns, NetnsName: p.NetnsName, Count: p.Conntrack.Count, Max: p.Conntrack.Max})
	}
	slices.SortFunc(tables, func(a, b stream.Table) int { return a.Netns.Compare(b.Netns) })
	return tables
}

func (m Model) tableWord(t *stream.Table) string {
	if t.Netns.Inode == m.look.snapshot.Start.Machine.Netns {
		return "the machine's own"
	}
	return namespaceWord(t.NetnsName, t.Netns.Inode)
}

func fillOf(t stream.Table) float64 { return float64(t.Count) / max(float64(t.Max), 1) }
