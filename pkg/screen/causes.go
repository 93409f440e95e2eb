// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/state"
)

// The widths of the columns of the causes.
const (
	rateWidth  = 8
	totalWidth = 11
	causeWidth = 26 // of the longest ID
)

// causePanel lists the causes: how many now, how many in all, and the last minute.
func (m Model) causePanel(width, room int) []string {
	if room <= 0 {
		return nil
	}
	p := m.pen
	name, trend, more := causeColumns(width)
	title := " " + p.left(bold, "CAUSE"+m.sortMark(byName), name) + p.right(bold, "PER SEC"+m.sortMark(byRate), rateWidth+1) +
		p.right(bold, "TOTAL"+m.sortMark(byTotal), totalWidth)
	if more {
		title += p.right(bold, "SOURCES", totalWidth)
	}
	if trend > 0 {
		title += "  " + p.left(bold, "LAST MINUTE", trend)
	}
	lines := []string{title}
	from, to := m.causes.window(room - 1)
	for i := from; i < to; i++ {
		c := m.causeState(m.causes.keys[i])
		if c == nil {
			c = &state.Cause{Cause: m.causes.keys[i]}
		}
		lines = append(lines, p.row(i == m.causes.at, m.causeRow(c, name, trend, more), width))
	}
	if len(m.causes.keys) == 0 && room > 1 {
		lines = append(lines, " "+m.nothing())
	}
	return exactly(room, lines)
}

// causeColumns shares the width among the columns.
func causeColumns(width int) (name, trend int, more bool) {
	rest := width - 1 - rateWidth - 1 - totalWidth
	name = min(causeWidth, max(rest, 8))
	if rest -= name; rest < 12 {
		return name + rest, 0, false
	}
	more = rest >= totalWidth+2+30
	if more {
		rest -= totalWidth
	}
	return name, min(rest-2, minute), more
}

func (m Model) causeRow(c *state.Cause, name, trend int, more bool) string {
	p := m.pen
	ink := bad
	if c.Cause.Kind == cause.Notice {
		ink = warning
	}
	now := faint
	perSecond := pace(c.Recent, m.look.snapshot.Time, m.look.snapshot.Duration)
	if perSecond > 0 {
		now = bold
	}
	row := p.left(ink, c.Cause.ID, name) + p.right(now, rate(perSecond, rateWidth), rateWidth+1) + p.right(plain, number(c.Count, totalWidth-1), totalWidth)
	if more {
		row += p.right(plain, number(uint64(c.NumSources), totalWidth-1), totalWidth)
	}
	if trend > 0 {
		row += "  " + p.put(plain, sparkline(c.Recent, trend))
	}
	return row
}

func (m Model) sortMark(o order) string {
	if m.order == o {
		return "▾"
	}
	return ""
}

// nothing is what is said where there are no rows.
func (m Model) nothing() string {
	switch {
	case !m.began:
		return m.pen.put(faint, "looking …")
	case m.filterWords() != "":
		return m.pen.put(faint, "nothing that the filter lets through")
	}
	return m.pen.put(good, "nothing was dropped so far")
}
