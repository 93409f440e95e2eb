// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/synwatch/synwatch/pkg/watch"
)

// Text writes a line a record, aligned, and a summary for people.
type Text struct {
	out     *bufio.Writer
	palette Palette
	netns   uint32 // the machine's own, which is not worth a word
	widths  []int
	records bool // there were some
}

// NewText returns a sink that writes text to w.
func NewText(w io.Writer, palette Palette) *Text {
	t := &Text{out: bufio.NewWriter(w), palette: palette}
	for _, c := range columns {
		t.widths = append(t.widths, c.width)
	}
	return t
}

// Start writes nothing: the title waits for the first record.
func (t *Text) Start(s watch.Start) error {
	t.netns = s.Machine.Netns
	return nil
}

// Flush writes out what was held back.
func (t *Text) Flush() error { return t.out.Flush() }

// Record writes a line.
func (t *Text) Record(r watch.Record) error {
	if !t.records {
		t.records = true
		if err := t.title(); err != nil {
			return err
		}
	}
	cells := make([]string, len(columns))
	for i, c := range columns {
		cells[i] = printable(c.text(&r))
	}
	last := len(cells) - 1
	cells[last] = joinNonEmpty("; ", cells[last], t.place(&r))
	return t.line(cells, func(i int, s string) string {
		switch columns[i].key {
		case "cause":
			return t.palette.paint(kinds[r.Cause.Kind], s)
		case "time":
			return t.palette.paint(faint, s)
		}
		return s
	})
}

// place names the network namespace, unless it is the machine's own.
func (t *Text) place(r *watch.Record) string {
	switch {
	case r.Netns.Inode == t.netns:
		return ""
	case r.NetnsName != "":
		return "in netns " + printable(r.NetnsName)
	}
	return fmt.Sprintf("in netns %d", r.Netns.Inode)
}

func (t *Text) title() error {
	cells := make([]string, len(columns))
	for i, c := range columns {
		cells[i] = c.title
	}
	return t.line(cells, func(_ int, s string) string { return t.palette.paint(heading, s) })
}

// line writes cells that are padded to their columns and then painted.
func (t *Text) line(cells []string, paint func(int, string) string) error {
	var line strings.Builder
	for i, cell := range cells {
		width := lipgloss.Width(cell)
		t.widths[i] = max(t.widths[i], width)
		line.WriteString(paint(i, cell))
		if rest := strings.Join(cells[i+1:], ""); rest == "" {
			break // no blanks at the end
		}
		line.WriteString(strings.Repeat(" ", t.widths[i]-width))
		line.WriteString(separator(i))
	}
	line.WriteByte('\n')
	_, err := t.out.WriteString(line.String())
	return err
}

// separator is what stands behind a column.
func separator(i int) string {
	if columns[i].key == "src" {
		return " → "
	}
	return "  "
}

func joinNonEmpty(sep string, parts ...string) string {
	var some []string
	for _, p := range parts {
		if p != "" {
			some = append(some, p)
		}
	}
	return strings.Join(some, sep)
}

// printable escapes what a terminal would act on, or not show at all.
func printable(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) || r == '\uFFFD' {
			quoted := strconv.Quote(s)
			return quoted[1 : len(quoted)-1]
		}
	}
	return s
}
