// SPDX-License-Identifier: Apache-2.0

package text

import (
	"cmp"
	"strings"

	"charm.land/lipgloss/v2"
)

// Column is a column of a table.
type Column struct {
	Title string
	// Width is the least, in the terminal's columns.
	Width int
	Right bool // aligned
	// Gap stands behind it, two blanks if it is empty.
	Gap string
	// Wrap breaks cells that would get too long. It is for the last column.
	Wrap bool
}

// Table puts cells into columns. The rows may be put as they come, and the
// columns then grow with what is put into them, which no table library does that
// has to know all rows; Fit makes room for all of them before the first.
type Table struct {
	Columns []Column
	Indent  string
}

// Fit makes the columns as wide as the titles and these rows.
func (t *Table) Fit(rows [][]Part) {
	for i, c := range t.Columns {
		t.grow(i, c.Title)
	}
	for _, row := range rows {
		for i, cell := range row {
			t.grow(i, Printable(cell.Text))
		}
	}
}

func (t *Table) grow(column int, printable string) (width int) {
	width = lipgloss.Width(printable)
	if c := &t.Columns[column]; !c.Wrap {
		c.Width = max(c.Width, width)
	}
	return width
}

// Table puts a whole table, with its titles if it has any.
func (p *Page) Table(t *Table, title Style, rows [][]Part) {
	t.Fit(rows)
	p.Titles(t, title)
	for _, row := range rows {
		p.Row(t, row...)
	}
}

// Titles puts the titles of the columns.
func (p *Page) Titles(t *Table, style Style) {
	cells := make([]Part, len(t.Columns))
	titled := false
	for i, c := range t.Columns {
		cells[i] = style.Of(c.Title)
		titled = titled || c.Title != ""
	}
	if titled {
		p.Row(t, cells...)
	}
}

// Row puts a row, without blanks at its end.
func (p *Page) Row(t *Table, cells ...Part) {
	last := len(cells) - 1
	for last >= 0 && cells[last].Text == "" {
		last--
	}
	p.text.WriteString(t.Indent)
	column := len(t.Indent)
	for i := range cells[:last+1] {
		c := &t.Columns[i]
		if c.Wrap && column <= p.width*2/3 {
			p.wrapped(cells[i], column)
			continue
		}
		printable := Printable(cells[i].Text)
		blanks := strings.Repeat(" ", max(c.Width-t.grow(i, printable), 0))
		gap := cmp.Or(c.Gap, "  ")
		if c.Right {
			p.text.WriteString(blanks)
			blanks = ""
		}
		p.put(cells[i].Style, printable)
		if i < last {
			p.text.WriteString(blanks + gap)
		}
		column += c.Width + lipgloss.Width(gap)
	}
	p.text.WriteByte('\n')
}
