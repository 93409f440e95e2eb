// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/synwatch/synwatch/pkg/diagnose"
)

var severityStyles = map[diagnose.Severity]lipgloss.Style{
	diagnose.Critical: lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true),
	diagnose.Warning:  lipgloss.NewStyle().Foreground(lipgloss.Yellow).Bold(true),
	diagnose.Note:     lipgloss.NewStyle().Bold(true),
}

// Finding writes one finding for people: what is wrong, the evidence in columns,
// what it means for clients and what to change. A network namespace is named
// unless it is own.
func (p Palette) Finding(b *strings.Builder, x *diagnose.Finding, own uint32) {
	where := ""
	if x.Netns != 0 && x.Netns != own {
		where = ", in netns " + fmt.Sprint(x.Netns)
		if x.NetnsName != "" {
			where = ", in netns " + printable(x.NetnsName)
		}
	}
	head := fmt.Sprintf("%-8s  ", x.Severity)
	title := wrap(printable(x.Title)+where+" ["+x.ID+"]", strings.Repeat(" ", len(head)))
	fmt.Fprintf(b, "%s%s\n", p.paint(severityStyles[x.Severity], head), title)
	evidenceTable(b, x.Evidence)
	paragraph(b, "means", printable(x.Means))
	for i := range x.Changes {
		change(b, &x.Changes[i])
	}
}

func evidenceTable(b *strings.Builder, evidence []diagnose.Evidence) {
	var what, value int
	for _, e := range evidence {
		what, value = max(what, lipgloss.Width(printable(e.What))), max(value, lipgloss.Width(e.Value))
	}
	for _, e := range evidence {
		line := fmt.Sprintf("%s%-*s  %*s", indent, what, printable(e.What), value, printable(e.Value))
		if e.Where != "" {
			line += "  " + wrapAt(printable(e.Where), len(indent)+what+2+value+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// wrapAt wraps a text that begins at a column, if there is room for it there.
func wrapAt(text string, column int) string {
	if column > lineWidth*2/3 {
		return text
	}
	return wrap(text, strings.Repeat(" ", column))
}

func change(b *strings.Builder, c *diagnose.Change) {
	what := c.Do
	if c.Sysctl != "" {
		what = c.Sysctl + " = " + c.Value
	}
	paragraph(b, "change", printable(what))
	if c.Command != "" {
		fmt.Fprintf(b, "%s%-9s%s\n", indent, "now:", printable(c.Command))
	}
	paragraph(b, "why", printable(c.Why))
}
