// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Document is a table as WriteMarkdown wrote it: its columns' names, and the cells.
type Document struct {
	columns []string
	cells   map[cellKey]string // without footnotes
	rows    []tableKey         // in the document's order
}

type cellKey struct {
	tableKey
	column string
}

var (
	boldName    = regexp.MustCompile(`^\*\*(.+?)\*\*`)
	linkedCause = regexp.MustCompile(`^\[([^]]+)\]\(.*\)$`)
)

// ParseDocument reads what WriteMarkdown wrote.
func ParseDocument(r io.Reader) (*Document, error) {
	d := &Document{cells: map[cellKey]string{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		row := splitRow(lines.Text())
		switch {
		case row == nil:
		case d.columns == nil && len(row) > 3:
			for _, head := range row[3:] {
				name := boldName.FindStringSubmatch(head)
				if name == nil {
					return nil, fmt.Errorf("column %q names no kernel", head)
				}
				d.columns = append(d.columns, name[1])
			}
		case len(row) != 3+len(d.columns):
			return nil, fmt.Errorf("row %q has %d cells, not %d", lines.Text(), len(row), 3+len(d.columns))
		default:
			d.addRow(row)
		}
	}
	if d.columns == nil && lines.Err() == nil {
		return nil, errors.New("no table")
	}
	return d, lines.Err()
}

func (d *Document) addRow(row []string) {
	cause := row[0]
	if m := linkedCause.FindStringSubmatch(cause); m != nil {
		cause = m[1]
	}
	for family := range strings.SplitSeq(row[2], ", ") {
		key := tableKey{cause, row[1], family}
		d.rows = append(d.rows, key)
		for i, column := range d.columns {
			status, _, _ := strings.Cut(row[3+i], " ")
			d.cells[cellKey{key, column}] = status
		}
	}
}

// splitRow returns the cells of a line of a table, or nil for any other line.
func splitRow(line string) []string {
	line, ok := strings.CutPrefix(line, "| ")
	line, end := strings.CutSuffix(line, " |")
	if !ok || !end {
		return nil
	}
	cells := strings.Split(line, " | ")
	for i := range cells {
		cells[i] = strings.ReplaceAll(strings.TrimSpace(cells[i]), `\|`, "|")
	}
	return cells
}

// Regressions names each cell that is exact in d and not in t. A column that t lacks
// is passed over: MissingColumns names it.
func (t *Table) Regressions(d *Document) []string {
	now := map[cellKey]string{}
	for _, row := range t.rows {
		for i, c := range t.columns {
			now[cellKey{tableKey{row.cause, row.stage, row.family}, c.Name}] = row.cells[i]
		}
	}
	missing := t.MissingColumns(d)
	var out []string
	for _, row := range d.rows {
		for _, column := range d.columns {
			key := cellKey{row, column}
			if d.cells[key] != StatusExact || now[key] == StatusExact || slices.Contains(missing, column) {
				continue
			}
			out = append(out, fmt.Sprintf("%s on %s was exact and is now %s", row, column, t.inFull(now[key])))
		}
	}
	return out
}

// MissingColumns names the kernels that are in d and not in t.
func (t *Table) MissingColumns(d *Document) []string {
	var out []string
	for _, column := range d.columns {
		if !slices.ContainsFunc(t.columns, func(c Column) bool { return c.Name == column }) {
			out = append(out, column)
		}
	}
	return out
}

// String writes a row's name as CAUSE/STAGE FAMILY.
func (k tableKey) String() string {
	name := k.cause
	if k.stage != "" {
		name += "/" + k.stage
	}
	return strings.TrimSpace(name + " " + k.family)
}

// inFull writes a cell with its footnote's text in place of the mark.
func (t *Table) inFull(cell string) string {
	if cell == "" || cell == absent {
		return "missing"
	}
	for i, note := range t.notes {
		if status, ok := strings.CutSuffix(cell, fmt.Sprintf(" [%d]", i+1)); ok {
			return fmt.Sprintf("%s (%s)", status, note)
		}
	}
	return cell
}
