// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"io"

	"github.com/synwatch/synwatch/pkg/text"
)

// columns are those of the table. A cell that has nothing to say is "-".
var columns = []struct {
	head string
	cell func(r Row) string
}{
	{"scenario", func(r Row) string { return r.Scenario }},
	{"sources", func(r Row) string { return number("%.0f", float64(r.Sources)) }},
	{"contender", func(r Row) string { return r.Contender }},
	{"cost", func(r Row) string { return r.Unit.show(r.Packet) }},
	{"ratio", func(r Row) string { return number("%.3f", r.Ratio) }},
	{"added", func(r Row) string { return r.Unit.show(r.Added) }},
	{"reported", func(r Row) string { return number("%.6f", r.Reported) }},
	{"sourceless", func(r Row) string { return number("%.1f %%", r.Sourceless*100) }},
	{"CPU", func(r Row) string { return number("%.2f %%", r.CPU*100) }},
	{"memory", func(r Row) string { return number("%.1f MB", float64(r.Memory)/1e6) }},
	{"attached", func(r Row) string { return number("%.3f s", r.Attached) }},
	{"first event", func(r Row) string { return ifProcess(r, number("%.3f s", r.First)) }},
	{"needle", func(r Row) string { return number("%.3f s", r.Needle) }},
	{"cause", func(r Row) string { return yes(r.Cause) }},
	{"source", func(r Row) string { return yes(r.Source) }},
}

// WriteTable writes rows as one aligned table, and below what could not be
// measured.
func WriteTable(w io.Writer, rows []Row) error {
	p := text.NewPage(text.Palette{})
	t := &text.Table{}
	for _, c := range columns {
		t.Columns = append(t.Columns, text.Column{Title: c.head})
	}
	var measured [][]text.Part
	for _, r := range rows {
		if r.Missing != "" {
			continue
		}
		var cells []text.Part
		for _, c := range columns {
			cells = append(cells, text.Plain.Of(c.cell(r)))
		}
		measured = append(measured, cells)
	}
	p.Table(t, text.Plain, measured)
	if len(rows) > 0 {
		p.Linef("%s", rows[0].Unit.meaning())
	}
	putCosts(p, rows)
	for _, r := range rows {
		if r.Missing != "" {
			p.Linef("not measured: %s: %s", r.Scenario, r.Missing)
		}
	}
	_, err := p.WriteTo(w)
	return err
}

// putCosts puts what the BPF programs cost, if that was measured: how often each ran for a
// packet, and how long a run took.
func putCosts(p *text.Page, rows []Row) {
	var costs [][]text.Part
	for _, r := range rows {
		for _, c := range r.Costs {
			costs = append(costs, []text.Part{
				text.Plain.Of(r.Scenario), text.Plain.Of(number("%.0f", float64(r.Sources))), text.Plain.Of(r.Contender),
				text.Plain.Of(c.Program), text.Plain.Of(fmt.Sprintf("%.2f runs", per(float64(c.Runs), float64(r.Packets)))),
				text.Plain.Of(r.Unit.showRun(c.Time, c.Runs)),
			})
		}
	}
	p.Table(&text.Table{Columns: make([]text.Column, 6)}, text.Plain, costs)
}

func number(format string, n float64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf(format, n)
}

// ifProcess leaves out the value of a tracer without a process.
func ifProcess(r Row, cell string) string {
	if r.Memory == 0 {
		return "-"
	}
	return cell
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "-"
}
