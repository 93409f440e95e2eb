// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"cmp"
	"slices"

	"github.com/synwatch/synwatch/pkg/stream"
)

// counterPanel sets the kernel's own counters against what was traced: the most of what
// differs first.
func (m Model) counterPanel(width, room int) []string {
	s := m.look.snapshot
	if s == nil || len(s.Reconcile) == 0 || room <= 1 {
		return nil
	}
	p := m.pen
	rows := slices.SortedFunc(slices.Values(s.Reconcile), func(a, b stream.Row) int {
		return cmp.Or(cmp.Compare(difference(&b), difference(&a)), cmp.Compare(b.Kernel, a.Kernel))
	})
	lines := []string{p.rule("the kernel's own counters, and what was traced of them", width)}
	for i := range rows[:min(len(rows), room-1)] {
		r := &rows[i]
		result := p.put(good, "  equal")
		if r.Kernel != r.Attributed {
			result = p.put(bad, "  differs")
		}
		where := ""
		if r.Netns != s.Start.Machine.Netns {
			where = " in " + namespaceWord(r.NetnsName, r.Netns)
		}
		lines = append(lines, " "+p.left(plain, r.Counter+where, max(width-2*totalWidth-12, 12))+p.right(plain, number(r.Kernel, totalWidth-1), totalWidth)+
			p.right(plain, number(r.Attributed, totalWidth-1), totalWidth)+result)
	}
	return lines
}

func difference(r *stream.Row) uint64 {
	return max(r.Kernel, r.Attributed) - min(r.Kernel, r.Attributed)
}
