// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"github.com/synwatch/synwatch/pkg/text"
)

// footer is the last line: the filter while it is typed, a message, or what keys do.
func (m Model) footer() string {
	p := m.pen
	switch {
	case m.editing:
		return m.filterLine()
	case m.status != "":
		return p.left(warning, m.status, m.width)
	case m.page != noPage:
		return m.sides(p.put(faint, "↑ ↓ scroll  Esc back"), m.pageNote())
	}
	right := ""
	if w := m.look.written; w.file != "" {
		right = p.put(bad, "writes ") + p.put(plain, w.file+" ("+number(w.records, 9)+")")
	} else if m.height < 16 {
		right = m.filterNote()
	}
	return m.sides(m.hints(m.width-columns(right)-1), right)
}

// pageNote says that a page goes on below.
func (m Model) pageNote() string {
	if left := m.pageEnd() - m.scroll; left > 0 {
		return m.pen.put(faint, text.Count(left, "more line")+" ↓")
	}
	return ""
}

// hints are what keys do, as many as there is room for. How to get help and out is among
// them.
func (m Model) hints(room int) string {
	var words, last string
	add := func(to *string, b *keyBinding) {
		*to += m.pen.put(bold, b.label) + " " + m.pen.put(faint, b.word) + "  "
	}
	add(&last, &bindings[len(bindings)-2])
	add(&last, &bindings[len(bindings)-1])
	if m.depth > overview {
		words = m.pen.put(bold, "Esc") + " " + m.pen.put(faint, "back") + "  "
	}
	for _, b := range m.hinted() {
		more := words
		add(&more, b)
		if columns(more)+columns(last) <= room+2 {
			words = more
		}
	}
	return words + last
}

// hinted are the bindings that the last line tells of, those of a capture that is played
// first.
func (m Model) hinted() []*keyBinding {
	var steering, others []*keyBinding
	for i := range bindings[:len(bindings)-2] {
		b := &bindings[i]
		switch {
		case b.word == "" || b.replay && !m.replay:
		case b.replay:
			steering = append(steering, b)
		default:
			others = append(others, b)
		}
	}
	return append(steering, others...)
}

// filterLine is the filter as it is typed, and what is wrong with it.
func (m Model) filterLine() string {
	p := m.pen
	value, at := []rune(m.input.Value()), m.input.Position()
	line := p.put(bold, "filter: ") + p.put(plain, string(value[:at]))
	under := " "
	if at < len(value) {
		under = string(value[at : at+1])
	}
	line += color(selected, p.clean(under))
	if at < len(value) {
		line += p.put(plain, string(value[at+1:]))
	}
	switch {
	case m.wordsErr != "":
		line += "  " + p.put(bad, m.wordsErr)
	case len(value) == 0:
		line += " " + p.put(faint, "port:443 src:10.0.0.0/8 cause:accept-queue-full; empty for all; Enter")
	}
	return line
}
