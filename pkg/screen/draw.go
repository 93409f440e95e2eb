// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"strings"
)

// The least that anything is drawn in.
const (
	leastWidth  = 20
	leastHeight = 5
	// wide is from where on the screen has two columns.
	wide = 140
)

// draw draws the whole screen: a head, what the user looks at, and a last line.
func (m Model) draw() string {
	if m.width < leastWidth || m.height < leastHeight {
		return m.pen.cut("too small for synwatch top", m.width)
	}
	lines := m.header()
	room := m.height - len(lines) - 1
	lines = append(lines, m.body(m.width, room)...)
	lines = append(lines, m.footer())
	for i := range lines {
		lines[i] = fit(lines[i], m.width)
	}
	return strings.Join(lines, "\n")
}

// body is what is between the head and the last line, in exactly so many lines.
func (m Model) body(width, room int) []string {
	switch {
	case m.page != noPage:
		return exactly(room, m.pageLines(width, room))
	case m.depth > overview:
		return exactly(room, m.drilled(width, room))
	case width >= wide && room >= 20:
		return exactly(room, m.twoColumns(width, room))
	}
	return exactly(room, m.oneColumn(width, room))
}

// oneColumn puts one panel below the other; what there is no room for is left out.
func (m Model) oneColumn(width, room int) []string {
	finding := m.headline(width, headlineRoom(room))
	room -= len(finding)
	if room < 11 {
		return append(m.causePanel(width, room), finding...)
	}
	causes := (room - 3) * 2 / 5
	sources := (room - 3 - causes) / 2
	lines := m.causePanel(width, causes+1)
	lines = append(lines, exactly(sources+1, m.sourcePanel(width, sources+1))...)
	lines = append(lines, m.destinationPanel(width, room-len(lines))...)
	return append(exactly(room, lines), finding...)
}

// headlineRoom is how many lines the finding that matters most gets.
func headlineRoom(room int) int {
	switch {
	case room >= 18:
		return 4
	case room >= 6:
		return 2
	case room >= 4:
		return 1
	}
	return 0
}

// twoColumns puts causes and their sources on the left; destinations, tables, records
// and findings on the right.
func (m Model) twoColumns(width, room int) []string {
	const between = " │ "
	left := width/2 - 1
	right := width - left - columns(between)
	finding := m.headline(width, 4)
	room -= len(finding)
	const fewest = 8 // so that the first causes that come move nothing
	causes := min(max(len(m.causes.keys), fewest), (room-2)/2)
	one := m.causePanel(left, causes+1)
	counters := m.counterPanel(left, min(12, room/4))
	one = append(one, exactly(room-len(one)-len(counters), m.sourcePanel(left, room-len(one)-len(counters)))...)
	one = append(one, counters...)
	tables := m.tablePanel(right, 6)
	destinations := (room - len(tables)) / 2
	two := append(m.destinationPanel(right, destinations), tables...)
	two = append(two, m.recordPanel(right, room-len(two))...)
	return append(beside(exactly(room, one), exactly(room, two), left, m.pen.put(faint, between)), finding...)
}

// drilled is one list that the user went into, with the way there above it.
func (m Model) drilled(width, room int) []string {
	lines := []string{m.trail(width)}
	room--
	switch m.depth {
	case ofCause:
		below := 0
		if room >= 12 {
			below = room / 3
		}
		lines = append(lines, exactly(room-below, m.sourcePanel(width, room-below))...)
		if below > 0 {
			lines = append(lines, m.destinationPanel(width, below)...)
		}
	case ofSource:
		lines = append(lines, m.destinationPanel(width, room)...)
	case ofDestination:
		evidence := m.evidence(width, room/2)
		lines = append(lines, exactly(room-len(evidence), m.recordPanel(width, room-len(evidence)))...)
		lines = append(lines, evidence...)
	}
	return lines
}

// exactly cuts or fills up lines.
func exactly(n int, lines []string) []string {
	if n <= 0 {
		return nil
	}
	for len(lines) < n {
		lines = append(lines, "")
	}
	return lines[:n]
}

// beside puts lines next to each other.
func beside(left, right []string, width int, between string) []string {
	lines := make([]string, len(left))
	for i := range left {
		lines[i] = fit(left[i], width) + between + right[i]
	}
	return lines
}
