// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/text"
)

// Markdown writes the report for a ticket or a chat: the headline, tables and what to do.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", markdown(r.Title()))
	for _, x := range r.Headline() {
		fmt.Fprintf(&b, "- **%s:** %s\n", x.Label, markdown(x.Words))
	}
	for _, t := range append([]table{r.causeTable().bounded()}, r.tables()...) {
		t.markdown(&b)
	}
	if t := r.reconcileTable().bounded(); len(t.rows) > 0 {
		t.markdown(&b)
	}
	if len(r.Findings) > 0 {
		b.WriteString("\n### What to do\n")
	}
	for i := range r.Findings {
		f := r.findingOf(&r.Findings[i])
		markdownFinding(&b, &f)
	}
	for _, line := range r.Unread() {
		fmt.Fprintf(&b, "\nNot read: %s\n", markdown(line))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) causeTable() table {
	t := table{title: "Causes", columns: []text.Column{left("CAUSE"), right("DROPS"), right("SHARE"), right("SOURCES"), left("FIRST SOURCES"), left("RANGE")}}
	for i := range r.Causes {
		c := &r.Causes[i]
		part, of := share(c.Count, r.Drops), ""
		if c.Kind == cause.Notice {
			part = "notice"
		}
		if c.Range != nil {
			of = c.Range.Prefix.String()
		}
		t.rows = append(t.rows, []string{c.ID, fmt.Sprint(c.Count), part, fmt.Sprint(c.NumSources), c.firstSources(), of})
	}
	return t
}

func (c *Cause) firstSources() string {
	const named = 3
	var words []string
	for _, s := range c.Sources[:min(len(c.Sources), named)] {
		words = append(words, fmt.Sprintf("%s ×%d", address(s.Src), s.Count))
	}
	return strings.Join(words, ", ")
}

func (r *Report) reconcileTable() table {
	t := table{title: "The kernel's own counters", columns: r.columns(left("NETNS"), left("COUNTER"), right("KERNEL"), right("ATTRIBUTED"), left(""))}
	for i := range r.Reconcile {
		x := &r.Reconcile[i]
		result := "equal"
		if !x.Equal() {
			result = text.Join(": ", "differs", x.Why)
		}
		t.rows = append(t.rows, r.host(x.Host, x.Netns, x.Counter, fmt.Sprint(x.Kernel), fmt.Sprint(x.Attributed), result))
	}
	return t
}

func (t *table) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n**%s**\n\n", markdown(t.title))
	var titles, lines []string
	for _, c := range t.columns {
		titles = append(titles, strings.ToLower(c.Title))
		if c.Right {
			lines = append(lines, "---:")
		} else {
			lines = append(lines, "---")
		}
	}
	row := func(cells []string) { fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | ")) }
	row(titles)
	row(lines)
	for _, r := range t.rows {
		cells := make([]string, len(r))
		for i, cell := range r {
			cells[i] = markdown(cell)
		}
		row(cells)
	}
	if t.more > 0 {
		fmt.Fprintf(b, "\nand %d more\n", t.more)
	}
}

func markdownFinding(b *strings.Builder, f *diagnose.Finding) {
	fmt.Fprintf(b, "\n**%s: %s**\n\n", f.Severity, markdown(f.Title))
	for _, e := range f.Evidence {
		fmt.Fprintf(b, "- %s: %s\n", markdown(e.What), markdown(text.Join(", ", e.Value, e.Where)))
	}
	if f.Means != "" {
		fmt.Fprintf(b, "- means: %s\n", markdown(f.Means))
	}
	for i := range f.Changes {
		c := &f.Changes[i]
		words := "change: " + markdown(changeWords(c))
		if c.If != "" {
			words = "if so: " + markdown(c.If+" "+changeWords(c))
		}
		fmt.Fprintf(b, "- %s\n", text.Join("; ", words, markdown(c.Why)))
		if !c.Command.IsZero() {
			fmt.Fprintf(b, "\n  %s\n\n", codeSpan(c.Command.String()))
		}
	}
}

// markdownSpecial is what Markdown, in the dialects of GitHub and of chats, would act on;
// a mention is none of a capture's to make, either.
const markdownSpecial = "\\`*_{}[]()<>#+!|~&@$"

// links are what GitHub's dialect makes a link of by itself.
var links = strings.NewReplacer("://", "\\://", "www.", "www\\.")

// markdown escapes printable text. Everything special gets a backslash, which every dialect
// takes before punctuation, but for what HTML would act on even so.
func markdown(s string) string {
	var b strings.Builder
	for _, r := range text.Printable(s) {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune(markdownSpecial, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return links.Replace(b.String())
}

// codeSpan quotes with more backquotes than there are in a row.
func codeSpan(s string) string {
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	return fence + " " + s + " " + fence
}
