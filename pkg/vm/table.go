// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Column is one kernel of the table.
type Column struct {
	Name    string // the heading
	Release string // uname -r
	Accel   string // "kvm", "tcg" or empty
	Reports []Report
}

// Table shows causes against kernels.
type Table struct {
	columns []Column
	rows    []tableRow
	notes   []string // footnotes, number 1 first
}

type tableRow struct {
	cause, stage, family string
	cells                []string // a column each
}

// absent is the cell of a cause that a kernel's run did not report at all.
const absent = "–"

// NewTable lays out reports: a row per cause, stage and family in the order of their
// appearance, causes kept together, a column per kernel.
func NewTable(columns []Column) *Table {
	t := &Table{columns: columns}
	worst := make([]map[tableKey]Report, len(columns))
	var keys []tableKey
	for i, c := range columns {
		worst[i] = map[tableKey]Report{}
		for _, r := range c.Reports {
			k := tableKey{r.Cause, r.Stage, r.Family}
			if !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
			if severity[r.Status] > severity[worst[i][k].Status] {
				worst[i][k] = r
			}
		}
	}
	for _, k := range grouped(keys) {
		row := tableRow{cause: k.cause, stage: k.stage, family: k.family}
		for i := range columns {
			row.cells = append(row.cells, t.cell(worst[i][k]))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

type tableKey struct{ cause, stage, family string }

// grouped brings the rows of a cause together, where it first appears, and within it
// those of a stage.
func grouped(keys []tableKey) []tableKey {
	place := func(match func(tableKey) bool) int { return slices.IndexFunc(keys, match) }
	out := slices.Clone(keys)
	slices.SortStableFunc(out, func(a, b tableKey) int {
		if a.cause != b.cause {
			return place(func(k tableKey) bool { return k.cause == a.cause }) -
				place(func(k tableKey) bool { return k.cause == b.cause })
		}
		return place(func(k tableKey) bool { return k.cause == a.cause && k.stage == a.stage }) -
			place(func(k tableKey) bool { return k.cause == b.cause && k.stage == b.stage })
	})
	return out
}

// cell is a report's text; reasons become footnotes.
func (t *Table) cell(r Report) string {
	text, why := r.Status, r.Why
	switch r.Status {
	case "":
		return absent
	case StatusExact:
		return text
	case StatusFail:
		text = "FAIL"
	default:
		if why == "" {
			why = "no reason given"
		}
	}
	if why == "" {
		return text
	}
	return text + " " + t.note(why)
}

// note returns a footnote's mark; equal reasons share one.
func (t *Table) note(text string) string {
	i := slices.Index(t.notes, text)
	if i < 0 {
		i = len(t.notes)
		t.notes = append(t.notes, text)
	}
	return fmt.Sprintf("[%d]", i+1)
}

// Failed says whether any cell is a failure.
func (t *Table) Failed() bool {
	for _, row := range t.rows {
		for _, c := range row.cells {
			if strings.HasPrefix(c, "FAIL") {
				return true
			}
		}
	}
	return false
}

// Empty says whether nothing was reported.
func (t *Table) Empty() bool { return len(t.rows) == 0 }

func (t *Table) grid() [][]string {
	head := []string{"cause", "stage", "family"}
	for _, c := range t.columns {
		head = append(head, c.Name)
	}
	grid := [][]string{head}
	for _, r := range t.rows {
		grid = append(grid, append([]string{r.cause, r.stage, r.family}, r.cells...))
	}
	return grid
}

// WriteText writes the table for a terminal.
func (t *Table) WriteText(w io.Writer) {
	grid := t.grid()
	widths := make([]int, len(grid[0]))
	for _, row := range grid {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range grid {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell)
			b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	t.writeNotes(w)
}

// writeNotes writes the footnotes and the kernels' full names.
func (t *Table) writeNotes(w io.Writer) {
	fmt.Fprintln(w)
	for i, n := range t.notes {
		fmt.Fprintf(w, "[%d] %s\n", i+1, n)
	}
	for _, c := range t.columns {
		if c.Release == "" || c.Release == c.Name {
			continue
		}
		accel := ""
		if c.Accel != "" {
			accel = " (" + c.Accel + ")"
		}
		fmt.Fprintf(w, "%s: %s%s\n", c.Name, c.Release, accel)
	}
}
