// SPDX-License-Identifier: Apache-2.0

package view

import (
	"strings"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/text"
)

// Chapter is a part of an explanation under its heading.
type Chapter struct{ Heading, Text string }

// Chapters are an explanation's parts, in the order in which they are read.
func Chapters(x cause.Explanation) []Chapter {
	return []Chapter{
		{"What happened", sentence(x.Meaning)},
		{"What the client sees", sentence(x.Client)},
		{"What to do", sentence(x.Fix)},
		{"Where in the kernel", x.Path + "."}, // often begins with a function's name
		{"Counters", namesOr(x.Counters, "None of its own.")},
		{"Drop reasons", namesOr(x.Reasons, "None of its own.")},
		{"Kernels that show it", sentence(x.Kernels)},
	}
}

func namesOr(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	return strings.Join(names, ", ")
}

// sentence gives a text of the catalogue its capital and its full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// Explanation puts what the catalogue says of a cause on a page.
func Explanation(p *text.Page, x cause.Explanation) {
	title := x.Cause + " (" + x.Kind
	if len(x.Stages) > 0 {
		title += "; stages: " + strings.Join(x.Stages, ", ")
	}
	p.Linef("%s)", title)
	for _, s := range Chapters(x) {
		p.Blank()
		p.Linef("%s", s.Heading)
		for _, line := range text.Wrap(s.Text, p.Width()-len(text.Indent)) {
			p.Linef("%s%s", text.Indent, line)
		}
	}
}
