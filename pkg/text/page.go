// SPDX-License-Identifier: Apache-2.0

// Package text composes what people read in a terminal: lines, paragraphs and
// tables, coloured where that is wanted.
//
// Names of interfaces, processes, containers, files and network namespaces are
// chosen by others. A Page therefore escapes all that is put into it
// (Printable), and nothing but a Page is written to a terminal: no view has to
// remember to.
package text

import (
	"fmt"
	"io"
	"strings"

	"charm.land/lipgloss/v2"
)

const (
	// Width is how long lines get that can be wrapped, in columns.
	Width = 100
	// Indent begins what belongs to the line above it.
	Indent = "    "
)

// Page is text in the making.
type Page struct {
	text    strings.Builder
	palette Palette
	width   int
}

// NewPage returns an empty page.
func NewPage(p Palette) *Page { return &Page{palette: p, width: Width} }

// Wide sets how long lines get that can be wrapped, and returns the page.
func (p *Page) Wide(width int) *Page {
	p.width = width
	return p
}

// Width is how long lines get that can be wrapped, in columns.
func (p *Page) Width() int { return p.width }

// String is the text so far.
func (p *Page) String() string { return p.text.String() }

// WriteTo writes the page and empties it.
func (p *Page) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, p.text.String())
	p.text.Reset()
	return int64(n), err
}

// Blank puts an empty line.
func (p *Page) Blank() { p.text.WriteByte('\n') }

// Line puts one line, however long it is.
func (p *Page) Line(parts ...Part) {
	for _, part := range parts {
		p.put(part.Style, Printable(part.Text))
	}
	p.text.WriteByte('\n')
}

// Linef puts a plain line.
func (p *Page) Linef(format string, args ...any) { p.Line(Plain.Of(fmt.Sprintf(format, args...))) }

// put puts what is printable.
func (p *Page) put(s Style, printable string) { p.text.WriteString(p.palette.paint(s, printable)) }

// Paragraph puts a text behind a head and wraps it there.
func (p *Page) Paragraph(head, body Part) {
	p.put(head.Style, Printable(head.Text))
	p.wrapped(body, lipgloss.Width(Printable(head.Text)))
	p.text.WriteByte('\n')
}

// wrapped puts lines that begin at a column.
func (p *Page) wrapped(body Part, column int) {
	for i, line := range Wrap(body.Text, p.width-column) {
		if i > 0 {
			p.text.WriteString("\n" + strings.Repeat(" ", column))
		}
		p.put(body.Style, line)
	}
}

// Labelled puts a text behind its label, or nothing for an empty one.
func (p *Page) Labelled(label, text string) {
	if text != "" {
		p.Paragraph(Plain.Of(fmt.Sprintf("%s%-9s", Indent, label+":")), Plain.Of(text))
	}
}

// Wrap makes a text printable and breaks it into lines of at most so many
// columns. It breaks at blanks only, as the names in it have hyphens; a longer
// word has a line of its own.
func Wrap(text string, width int) []string {
	var lines []string
	var line strings.Builder
	column := 0
	for _, word := range strings.Fields(Printable(text)) {
		w := lipgloss.Width(word)
		if line.Len() > 0 && column+1+w > width {
			lines = append(lines, line.String())
			line.Reset()
			column = 0
		}
		if line.Len() > 0 {
			line.WriteByte(' ')
			column++
		}
		line.WriteString(word)
		column += w
	}
	return append(lines, line.String())
}
