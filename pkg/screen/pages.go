// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/text"
	"github.com/synwatch/synwatch/pkg/view"
)

// pageLines are the part of a page that is scrolled to.
func (m Model) pageLines(width, room int) []string {
	heading, all := m.pageText(width)
	lines := []string{m.pen.rule(heading, width)}
	from := min(m.scroll, max(len(all)-(room-1), 0))
	for _, line := range all[from:min(from+room-1, len(all))] {
		lines = append(lines, m.pen.put(plain, line))
	}
	return lines
}

// pageEnd is how far a page can be scrolled.
func (m Model) pageEnd() int {
	_, all := m.pageText(m.width)
	return max(len(all)-(m.height-len(m.header())-2), 0)
}

func (m Model) pageText(width int) (heading string, lines []string) {
	switch m.page {
	case findingsPage:
		return "findings: what is wrong and what to change", m.findingLines(width)
	case explainPage:
		return m.explainLines(width)
	}
	return "keys", m.helpLines(width)
}

// linesOf are what is put on a page, wrapped to the screen.
func linesOf(p *text.Page, width int) []string {
	var lines []string
	for line := range strings.Lines(p.String()) {
		lines = append(lines, strings.Split(ansi.Hardwrap(strings.TrimSuffix(line, "\n"), width, true), "\n")...)
	}
	return lines
}

func (m Model) findingLines(width int) []string {
	s := m.look.snapshot
	if s == nil || len(s.Findings) == 0 {
		return text.Wrap("There is no finding so far. e explains the chosen cause and says what to do about it.", width)
	}
	p := text.NewPage(text.Palette{}).Wide(width)
	for i := range s.Findings {
		if i > 0 {
			p.Blank()
		}
		view.Finding(p, &s.Findings[i], s.Start.Machine.Netns)
	}
	return linesOf(p, width)
}

func (m Model) explainLines(width int) (string, []string) {
	c, ok := m.causes.current()
	if !ok {
		return "no cause is chosen", nil
	}
	p := text.NewPage(text.Palette{}).Wide(width)
	view.Explanation(p, cause.Explain(c))
	return "what it means", linesOf(p, width)
}

func (m Model) helpLines(width int) []string {
	p := text.NewPage(text.Palette{}).Wide(width)
	for i := range bindings {
		if b := &bindings[i]; !b.replay || m.replay {
			p.Paragraph(text.Plain.Of(fmt.Sprintf(" %-8s", b.label)), text.Plain.Of(b.does))
		}
	}
	p.Blank()
	p.Paragraph(text.Plain.Of(" lost     "), text.Plain.Of("drops that a hook saw and could not count at all"))
	p.Paragraph(text.Plain.Of(" unattributed  "), text.Plain.Of("drops that were counted, but whose source found no room (--max-sources)"))
	if s := m.look.snapshot; s != nil && len(s.Start.Blind) > 0 {
		p.Blank()
		p.Paragraph(text.Plain.Of(" not seen  "), text.Plain.Of("this run cannot see all of "+strings.Join(s.Start.Blind, ", ")+" (synwatch hooks says why)"))
	}
	if len(m.messages) > 0 {
		p.Blank()
		p.Linef(" Messages of the run:")
		for _, line := range m.messages {
			p.Paragraph(text.Plain.Of(" - "), text.Plain.Of(line))
		}
	}
	return linesOf(p, width)
}
