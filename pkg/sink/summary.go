// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/watch"
)

const (
	lineWidth  = 100
	textTop    = 10 // sources of a cause
	indent     = "    "
	hangIndent = indent + "         "
)

// Summary writes what the run comes to.
func (t *Text) Summary(s watch.Summary) error {
	var b strings.Builder
	if t.records {
		b.WriteByte('\n')
	}
	t.totals(&b, &s)
	for _, c := range s.Causes {
		t.cause(&b, &c, !isDiagnosed(&s, &c))
	}
	t.findings(&b, &s)
	t.unseen(&b, &s)
	t.reconciliation(&b, &s)
	_, err := t.out.WriteString(b.String())
	return err
}

func (t *Text) totals(b *strings.Builder, s *watch.Summary) {
	line := fmt.Sprintf("%s in %s, %s%s, %d lost, %d unattributed",
		count(s.Drops, "drop"), duration(s.Duration), count(s.Notices, "notice"), noticeHint(s), s.Lost, s.Unattributed)
	if s.Missed > 0 {
		line += fmt.Sprintf(", %s not shown by the kernel", count(s.Missed, "hook call"))
	}
	if s.Merged > 0 {
		line += fmt.Sprintf(", %d merged", s.Merged)
	}
	fmt.Fprintln(b, t.palette.paint(heading, line))
	if s.Unshown > 0 {
		fmt.Fprintf(b, "%d of them have no record, as the run was to end after a number of records\n", s.Unshown)
	}
}

// noticeHint tells how to see the notices that were counted only.
func noticeHint(s *watch.Summary) string {
	isNotice := func(c watch.CauseTotal) bool { return c.Cause.Kind == cause.Notice }
	if s.Notices == 0 || slices.ContainsFunc(s.Causes, isNotice) {
		return ""
	}
	return " (--notices shows them)"
}

// isDiagnosed says whether a finding tells what to do about a cause.
func isDiagnosed(s *watch.Summary, c *watch.CauseTotal) bool {
	return slices.ContainsFunc(s.Findings, func(x diagnose.Finding) bool { return x.Cause == c.Cause.ID })
}

func (t *Text) findings(b *strings.Builder, s *watch.Summary) {
	if len(s.Findings) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", t.palette.paint(heading, "What to do"))
	for i := range s.Findings {
		b.WriteByte('\n')
		t.palette.Finding(b, &s.Findings[i], t.netns)
	}
}

// cause writes a cause with its top sources, and what to do unless a finding
// tells that.
func (t *Text) cause(b *strings.Builder, c *watch.CauseTotal, withFix bool) {
	what := "drop"
	if c.Cause.Kind == cause.Notice {
		what = "notice"
	}
	fmt.Fprintf(b, "\n%s  %s from %s\n", t.palette.paint(kinds[c.Cause.Kind], c.Cause.ID),
		count(c.Count, what), count(uint64(c.NumSources), "source"))
	shown := c.Sources[:min(len(c.Sources), textTop)]
	width := 0
	for _, s := range shown {
		width = max(width, len(addrWord(s.Src)))
	}
	for _, s := range shown {
		fmt.Fprintf(b, "%s%-*s  %d\n", indent, width, addrWord(s.Src), s.Count)
	}
	if more := c.NumSources - len(shown); more > 0 {
		fmt.Fprintf(b, "%sand %s\n", indent, count(uint64(more), "more source"))
	}
	if c.Others > 0 {
		fmt.Fprintf(b, "%sand %d from sources that found no room (--max-sources)\n", indent, c.Others)
	}
	if r := c.Range; r != nil {
		fmt.Fprintf(b, "%s%d of the %d are from %s (%s)\n", indent, r.Count, c.Count, r.Prefix,
			count(uint64(r.NumSources), "source"))
	}
	paragraph(b, "meaning", c.Cause.Meaning)
	if withFix {
		paragraph(b, "to do", c.Cause.Fix)
	}
}

// paragraph wraps text behind a word.
func paragraph(b *strings.Builder, word, text string) {
	if text == "" {
		return
	}
	fmt.Fprintf(b, "%s%-9s%s\n", indent, word+":", wrap(text, hangIndent))
}

// wrap breaks text at blanks only, as the names in it have hyphens, into lines
// that begin with indent, but for the first.
func wrap(text, indent string) string {
	var b strings.Builder
	column := len(indent)
	for i, word := range strings.Fields(text) {
		width := lipgloss.Width(word)
		switch {
		case i == 0:
		case column+1+width > lineWidth:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += width
	}
	return b.String()
}

func (t *Text) unseen(b *strings.Builder, s *watch.Summary) {
	if len(s.Unseen) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", t.palette.paint(heading,
		"Known only as totals: this kernel does not let synwatch see their sources"))
	for _, u := range s.Unseen {
		text := fmt.Sprintf("%d  %s, by %s", u.Count, watch.JoinStages(u.Stages), u.Counter)
		fmt.Fprintf(b, "%s%s\n", indent, text)
	}
	if s.Filtered {
		fmt.Fprintf(b, "%sCounters cannot be filtered: these are of all addresses and ports.\n", indent)
	}
}

func (t *Text) reconciliation(b *strings.Builder, s *watch.Summary) {
	if len(s.Reconcile) == 0 {
		fmt.Fprintf(b, "\nNone of the kernel's counters of these causes moved.\n")
		return
	}
	fmt.Fprintf(b, "\n%s\n", t.palette.paint(heading, "The kernel's own counters over the same time"))
	cells := [][]string{{"NETNS", "COUNTER", "KERNEL", "ATTRIBUTED"}}
	for _, r := range s.Reconcile {
		cells = append(cells, []string{netnsWord(&r), r.Counter, fmt.Sprint(r.Kernel), fmt.Sprint(r.Attributed)})
	}
	w := widths(cells)
	for i, c := range cells {
		fmt.Fprintf(b, "%s%-*s  %-*s  %*s  %*s", indent, w[0], c[0], w[1], c[1], w[2], c[2], w[3], c[3])
		if i > 0 {
			t.verdict(b, &s.Reconcile[i-1])
		}
		b.WriteByte('\n')
	}
}

// verdict says how a row comes out, the reasons on a line of their own.
func (t *Text) verdict(b io.Writer, r *watch.Row) {
	if r.Kernel == r.Attributed {
		fmt.Fprint(b, "  ", t.palette.paint(good, "equal"))
	} else {
		fmt.Fprint(b, "  ", t.palette.paint(bad, "differs"))
	}
	if r.Why != "" {
		fmt.Fprint(b, "\n", indent, indent, wrap(printable(r.Why), indent+indent))
	}
}

func netnsWord(r *watch.Row) string {
	if r.NetnsName != "" {
		return printable(r.NetnsName)
	}
	return fmt.Sprint(r.Netns)
}

func widths(rows [][]string) []int {
	w := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			w[i] = max(w[i], lipgloss.Width(cell))
		}
	}
	return w
}

// count is "1 drop" or "2 drops".
func count(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// duration is a time as people say it, no finer than they care for.
func duration(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
