// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/text"
	"github.com/synwatch/synwatch/pkg/view"
)

// topSources is how many sources of a cause the text has.
const topSources = 10

// Sample shows nothing: what it holds is in the summary.
func (t *Text) Sample(stream.Sample) error { return nil }

// Summary writes the summary of the trace.
func (t *Text) Summary(s stream.Summary) error {
	if t.records {
		t.page.Blank()
	}
	t.summary(&s)
	return t.write()
}

func (t *Text) summary(s *stream.Summary) {
	t.totals(s)
	for i := range s.Causes {
		t.cause(&s.Causes[i], !isDiagnosed(s, &s.Causes[i]))
	}
	t.findings(s)
	t.unseen(s)
	t.reconciliation(s)
}

func (t *Text) totals(s *stream.Summary) {
	line := fmt.Sprintf("%s in %s, %s%s, %d lost, %d unattributed",
		text.Count(s.Drops, "drop"), text.Duration(s.Duration), text.Count(s.Notices, "notice"), noticeHint(s), s.Lost, s.Unattributed)
	if s.Missed > 0 {
		line += fmt.Sprintf(", %s missed", text.Count(s.Missed, "hook call"))
	}
	if s.Merged > 0 {
		line += fmt.Sprintf(", %d merged", s.Merged)
	}
	t.page.Line(text.Bold.Of(line))
	if s.Unshown > 0 {
		t.page.Linef("%d of them have no record, as --count ended the run (unshown)", s.Unshown)
	}
}

// noticeHint says how to see the notices that were counted only.
func noticeHint(s *stream.Summary) string {
	isNotice := func(c stream.CauseTotal) bool { return c.Cause.Kind == cause.Notice }
	if s.Notices == 0 || slices.ContainsFunc(s.Causes, isNotice) {
		return ""
	}
	return " (--notices shows them)"
}

// isDiagnosed says whether a finding has what to do about a cause.
func isDiagnosed(s *stream.Summary, c *stream.CauseTotal) bool {
	return slices.ContainsFunc(s.Findings, func(x diagnose.Finding) bool { return x.Cause == c.Cause.ID })
}

func (t *Text) findings(s *stream.Summary) {
	if len(s.Findings) == 0 {
		return
	}
	t.page.Blank()
	t.page.Line(text.Bold.Of("What to do"))
	for i := range s.Findings {
		t.page.Blank()
		view.Finding(t.page, &s.Findings[i], t.netns)
	}
}

// cause writes a cause with its top sources, and what to do unless a finding has
// that.
func (t *Text) cause(c *stream.CauseTotal, withFix bool) {
	what := "drop"
	if c.Cause.Kind == cause.Notice {
		what = "notice"
	}
	p := t.page
	p.Blank()
	p.Line(kindStyles[c.Cause.Kind].Of(c.Cause.ID),
		text.Plain.Of(fmt.Sprintf("  %s from %s", text.Count(c.Count, what), text.Count(c.NumSources, "source"))+text.Prefixed(": ", ways(c))))
	shown := c.Sources[:min(len(c.Sources), topSources)]
	var rows [][]text.Part
	for _, s := range shown {
		rows = append(rows, []text.Part{text.Plain.Of(addrWord(s.Src)), text.Plain.Of(fmt.Sprint(s.Count))})
	}
	p.Table(&text.Table{Indent: text.Indent, Columns: make([]text.Column, 2)}, text.Plain, rows)
	if more := c.NumSources - len(shown); more > 0 {
		p.Linef("%sand %s", text.Indent, text.Count(more, "more source"))
	}
	if c.Others > 0 {
		p.Linef("%sand %d from sources for which the table had no room (--max-sources)", text.Indent, c.Others)
	}
	if r := c.Range; r != nil {
		p.Linef("%s%d of the %d are from %s (%s)", text.Indent, r.Count, c.Count, r.Prefix, text.Count(r.NumSources, "source"))
	}
	p.Labelled("meaning", c.Cause.Meaning)
	if withFix {
		p.Labelled("to do", c.Cause.Fix)
	}
}

func addrWord(a netip.Addr) string {
	if !a.IsValid() {
		return unknown
	}
	return a.String()
}

func (t *Text) unseen(s *stream.Summary) {
	if len(s.Unseen) == 0 {
		return
	}
	p := t.page
	p.Blank()
	p.Line(text.Bold.Of("Known only as totals: this kernel does not let synwatch see their sources"))
	for _, u := range s.Unseen {
		p.Linef("%s%d  %s, by %s", text.Indent, u.Count, cause.JoinStages(u.Stages), u.Counter)
	}
	if s.Filtered {
		p.Linef("%sCounters cannot be filtered: these are of all packets.", text.Indent)
	}
}

func (t *Text) reconciliation(s *stream.Summary) {
	p := t.page
	p.Blank()
	if len(s.Reconcile) == 0 {
		p.Linef("None of the kernel's counters of these causes moved.")
		return
	}
	p.Line(text.Bold.Of("The kernel's own counters over the same time"))
	var rows [][]text.Part
	for i := range s.Reconcile {
		rows = append(rows, reconcileRow(&s.Reconcile[i]))
	}
	table := text.Table{Indent: text.Indent, Columns: []text.Column{
		{Title: "NETNS"}, {Title: "COUNTER"}, {Title: "KERNEL", Right: true}, {Title: "ATTRIBUTED", Right: true}, {},
	}}
	table.Fit(rows)
	p.Titles(&table, text.Plain)
	for i, row := range rows {
		p.Row(&table, row...)
		if why := s.Reconcile[i].Why; why != "" {
			p.Paragraph(text.Plain.Of(text.Indent+text.Indent), text.Plain.Of(why))
		}
	}
}

func reconcileRow(r *stream.Row) []text.Part {
	name := r.NetnsName
	if name == "" {
		name = fmt.Sprint(r.Netns)
	}
	result := text.Green.Of("equal")
	if r.Kernel != r.Attributed {
		result = text.Red.Of("differs")
	}
	return []text.Part{
		text.Plain.Of(name), text.Plain.Of(r.Counter), text.Plain.Of(fmt.Sprint(r.Kernel)),
		text.Plain.Of(fmt.Sprint(r.Attributed)), result,
	}
}
