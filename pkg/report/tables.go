// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/text"
)

// table is a table of text or of Markdown.
type table struct {
	title   string
	columns []text.Column
	rows    [][]string
	more    int // rows that are left out
}

// tables are those that a trace's summary does not have. A column of hosts is there only
// if there are several.
func (r *Report) tables() []table {
	var some []table
	for _, t := range []table{r.captureTable(), r.sourceTable(), r.rangeTable(), r.placeTable(), r.queueTable(), r.tableTable(), r.unseenTable()} {
		if len(t.rows) > 0 {
			some = append(some, t.bounded())
		}
	}
	return some
}

func (t table) bounded() table {
	t.more = max(len(t.rows)-textRows, 0)
	t.rows = t.rows[:len(t.rows)-t.more]
	return t
}

// host begins a row, and its columns.
func (r *Report) host(host string, rest ...string) []string {
	if !r.Fleet() {
		return rest
	}
	return append([]string{host}, rest...)
}

func (r *Report) columns(rest ...text.Column) []text.Column {
	if !r.Fleet() {
		return rest
	}
	return append([]text.Column{{Title: "HOST"}}, rest...)
}

var number = text.Column{Right: true}

func right(title string) text.Column {
	c := number
	c.Title = title
	return c
}

func left(title string) text.Column { return text.Column{Title: title} }

func (r *Report) captureTable() table {
	t := table{title: "Captures", columns: []text.Column{left("FILE"), left("HOST"), left("KERNEL"), left("FROM"), left("TO"), right("DROPS"), {}}}
	if len(r.Captures) < 2 {
		return t
	}
	for _, c := range r.Captures {
		t.rows = append(t.rows, []string{c.File, c.Host, c.Kernel, when(c.Begin), when(c.End), fmt.Sprint(c.Drops), c.State()})
	}
	return t
}

// State says what is odd about a capture.
func (c CaptureRow) State() string {
	skipped := ""
	if c.Skipped.Count > 0 {
		skipped = text.Count(c.Skipped.Count, "line") + " skipped"
	}
	switch {
	case c.Growing:
		return text.Join(", ", "still grows", skipped)
	case !c.Ended:
		return text.Join(", ", "ends without a summary", skipped)
	}
	return text.Join(", ", "complete", skipped)
}

// sourceTable is of a fleet only: the causes name theirs.
func (r *Report) sourceTable() table {
	t := table{title: "Sources", columns: r.columns(left("SOURCE"), right("DROPS"), left("CAUSES"))}
	if !r.Fleet() {
		return t
	}
	for i := range r.Sources {
		s := &r.Sources[i]
		t.rows = append(t.rows, r.host(s.Host, address(s.Src), fmt.Sprint(s.Count), s.Causes()))
	}
	return t
}

func (r *Report) rangeTable() table {
	t := table{title: "Ranges that cover most sources", columns: r.columns(left("RANGE"), left("CAUSE"), right("DROPS"), right("OF"), right("SOURCES"))}
	if !r.Fleet() {
		return t
	}
	for _, x := range r.Ranges {
		t.rows = append(t.rows, r.host(x.Host, x.Prefix.String(), x.Cause.ID, fmt.Sprint(x.Count), fmt.Sprint(x.Of), fmt.Sprint(x.NumSources)))
	}
	return t
}

func (r *Report) placeTable() table {
	t := table{title: "Listeners and targets", columns: r.columns(left("DESTINATION"), left("CAUSE"), right("DROPS"), left("PROCESS"), text.Column{Title: "WHY", Wrap: true})}
	for _, x := range r.Places {
		t.rows = append(t.rows, r.host(x.Host, x.At(), x.Cause.ID, fmt.Sprint(x.Count), x.Who, x.Why))
	}
	return t
}

// At is the destination with its way and its network namespace.
func (x *Place) At() string {
	return text.Join(" ", wayWords[x.Direction], x.Where, text.Prefixed("in netns ", x.Netns))
}

// wayWords mark the ways that packets took but for those to this host.
var wayWords = map[event.Direction]string{event.Forward: "fwd", event.Out: "out"}

func (r *Report) queueTable() table {
	t := table{title: "Queues", columns: r.columns(left("LISTENER"), left("PROCESS"), left("QUEUE"), right("USED"), right("LIMIT"), left("BY"), left(""))}
	for i := range r.Queues {
		q := &r.Queues[i]
		t.rows = append(t.rows, r.host(q.Host, text.Join(" ", q.Where, text.Prefixed("in netns ", q.Netns)), q.Who, q.What, fmt.Sprint(q.Used), fmt.Sprint(q.Max), q.Limit, fullWord(q.Full())))
	}
	return t
}

func fullWord(full bool) string {
	if full {
		return "full"
	}
	return ""
}

func (r *Report) tableTable() table {
	t := table{title: "Connection tracking tables", columns: r.columns(left("NETNS"), right("ENTRIES"), right("LIMIT"), right("FULL"))}
	for i := range r.Tables {
		x := &r.Tables[i]
		t.rows = append(t.rows, r.host(x.Host, x.Name(), fmt.Sprint(x.Used), fmt.Sprint(x.Max), share(uint64(x.Used), uint64(x.Max))))
	}
	return t
}

// Name is the network namespace's.
func (x *Table) Name() string {
	if x.Netns == "" {
		return "the machine's own"
	}
	return x.Netns
}

func (r *Report) unseenTable() table {
	t := table{title: "Known only as totals: the kernel did not let synwatch see their sources", columns: r.columns(left("COUNTER"), right("COUNT"), left("CAUSES"))}
	for _, u := range r.Unseen {
		t.rows = append(t.rows, r.host(u.Host, u.Counter, fmt.Sprint(u.Count), u.Causes))
	}
	return t
}

func (t *table) asText() *text.Table { return &text.Table{Indent: text.Indent, Columns: t.columns} }

func (t *table) cells() [][]text.Part {
	var rows [][]text.Part
	for _, row := range t.rows {
		var cells []text.Part
		for _, cell := range row {
			cells = append(cells, text.Plain.Of(cell))
		}
		rows = append(rows, cells)
	}
	return rows
}

// Causes name the causes that a source met, those with the most first.
func (s *Source) Causes() string {
	var words []string
	for _, c := range s.causes() {
		words = append(words, fmt.Sprintf("%s %d", c.ID, s.ByCause[c]))
	}
	return text.Join(", ", words...)
}

// Unread says of each capture what could not be read of it.
func (r *Report) Unread() []string {
	var lines []string
	for _, c := range r.Captures {
		if c.Skipped.Count > 0 {
			lines = append(lines, fmt.Sprintf("%s of %s: %s", text.Count(c.Skipped.Count, "line"), c.File, lineNumbers(c.Skipped)))
		}
	}
	return lines
}
