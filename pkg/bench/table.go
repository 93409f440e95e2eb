// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// columns are those of the table. A cell that has nothing to say is "-".
var columns = []struct {
	head string
	cell func(r Row) string
}{
	{"scenario", func(r Row) string { return r.Scenario }},
	{"sources", func(r Row) string { return number("%.0f", float64(r.Sources)) }},
	{"contender", func(r Row) string { return r.Contender }},
	{"µs", func(r Row) string { return number("%.3f", r.Packet) }},
	{"ratio", func(r Row) string { return number("%.3f", r.Ratio) }},
	{"added µs", func(r Row) string { return number("%.3f", r.Added) }},
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
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(cell func(i int) string) {
		cells := make([]string, len(columns))
		for i := range columns {
			cells[i] = cell(i)
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	line(func(i int) string { return columns[i].head })
	for _, r := range rows {
		if r.Missing == "" {
			line(func(i int) string { return columns[i].cell(r) })
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if err := writeCosts(w, rows); err != nil {
		return err
	}
	for _, r := range rows {
		if r.Missing == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "not measured: %s: %s\n", r.Scenario, r.Missing); err != nil {
			return err
		}
	}
	return nil
}

// writeCosts writes what the BPF programs cost, if that was measured.
func writeCosts(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		for _, c := range r.Costs {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d runs\t%.0f ns\n", r.Scenario, number("%.0f", float64(r.Sources)),
				r.Contender, c.Program, c.Runs, per(float64(c.Time), float64(c.Runs)))
		}
	}
	return t.Flush()
}

func number(format string, n float64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf(format, n)
}

// ifProcess leaves out the value of a tracer without a process.
func ifProcess(r Row, text string) string {
	if r.Memory == 0 {
		return "-"
	}
	return text
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "-"
}
