// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bufio"
	"fmt"
	"io"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/text"
)

// Text writes an aligned line a record, and a summary.
type Text struct {
	out     *bufio.Writer
	page    *text.Page
	table   text.Table
	netns   uint32 // the machine's own, which a line does not name
	records bool   // there were some
}

// NewText returns a sink that writes text to w.
func NewText(w io.Writer, palette text.Palette) *Text {
	t := &Text{out: bufio.NewWriter(w), page: text.NewPage(palette)}
	for _, f := range inText {
		t.table.Columns = append(t.table.Columns, f.column)
	}
	return t
}

// Start writes nothing: the title waits for the first record.
func (t *Text) Start(s stream.Start) error {
	t.netns = s.Machine.Netns
	return nil
}

// Flush writes out what was held back.
func (t *Text) Flush() error { return t.out.Flush() }

// Record writes a line.
func (t *Text) Record(r stream.Record) error {
	if !t.records {
		t.records = true
		t.page.Titles(&t.table, text.Bold)
	}
	cells := make([]text.Part, len(inText))
	for i, f := range inText {
		cells[i] = f.style(&r).Of(f.words(&r))
	}
	evidence := &cells[len(cells)-1]
	evidence.Text = text.Join("; ", evidence.Text, t.place(&r))
	t.page.Row(&t.table, cells...)
	return t.write()
}

func (t *Text) write() error {
	_, err := t.page.WriteTo(t.out)
	return err
}

var kindStyles = map[cause.Kind]text.Style{cause.Drop: text.BoldRed, cause.Notice: text.Yellow}

func (f *field) style(r *stream.Record) text.Style {
	switch f.key {
	case "cause":
		return kindStyles[r.Cause.Kind]
	case "time":
		return text.Faint
	}
	return text.Plain
}

// place names the network namespace, unless it is the machine's own.
func (t *Text) place(r *stream.Record) string {
	switch {
	case r.Netns.Inode == t.netns:
		return ""
	case r.NetnsName != "":
		return "in netns " + r.NetnsName
	}
	return fmt.Sprintf("in netns %d", r.Netns.Inode)
}
