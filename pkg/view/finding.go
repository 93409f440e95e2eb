// SPDX-License-Identifier: Apache-2.0

// Package view writes what was read at one time: the findings of check, and the
// connection tracking table.
package view

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/text"
)

var severityStyles = map[diagnose.Severity]text.Style{
	diagnose.Critical: text.BoldRed, diagnose.Warning: text.BoldYellow, diagnose.Note: text.Bold,
}

// Finding puts one finding on a page: what is wrong, the evidence in columns,
// what it means for clients and what to change. A network namespace is named
// unless it is own. Of a saved machine only names are known.
func Finding(p *text.Page, x *diagnose.Finding, own uint32) {
	where := ""
	switch {
	case x.Netns == own && own != 0 || x.Netns == 0 && x.NetnsName == "":
	case x.NetnsName != "":
		where = ", in netns " + x.NetnsName
	default:
		where = ", in netns " + fmt.Sprint(x.Netns)
	}
	p.Paragraph(severityStyles[x.Severity].Of(fmt.Sprintf("%-8s  ", x.Severity)), text.Plain.Of(x.Title+where+" ["+x.ID+"]"))
	var rows [][]text.Part
	for _, e := range x.Evidence {
		rows = append(rows, []text.Part{text.Plain.Of(e.What), text.Plain.Of(e.Value), text.Plain.Of(e.Where)})
	}
	p.Table(&text.Table{Indent: text.Indent, Columns: []text.Column{{}, {Right: true}, {Wrap: true}}}, text.Plain, rows)
	p.Labelled("means", x.Means)
	for i := range x.Changes {
		change(p, &x.Changes[i])
	}
}

func change(p *text.Page, c *diagnose.Change) {
	what := c.Do
	if c.Sysctl != "" {
		what = c.Sysctl + " = " + c.Value
	}
	if c.Basis == diagnose.Assumed {
		p.Labelled("ask", c.If)
		p.Labelled("if so", what)
	} else {
		p.Labelled("change", what)
	}
	if !c.Command.IsZero() { // in one piece, to be pasted
		p.Linef("%s%-9s%s", text.Indent, "now:", c.Command)
	}
	p.Labelled("why", c.Why)
}
