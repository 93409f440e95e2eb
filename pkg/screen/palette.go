// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/synwatch/synwatch/pkg/text"
)

// ink is how words look. Where there are no colours the terminal's own is used: the
// program takes them out.
type ink int

const (
	plain ink = iota
	bold
	faint
	good
	warning
	bad
	selected
)

var inks = painted([...]lipgloss.Style{
	plain:    lipgloss.NewStyle(),
	bold:     lipgloss.NewStyle().Bold(true),
	faint:    lipgloss.NewStyle().Faint(true),
	good:     lipgloss.NewStyle().Foreground(lipgloss.Green),
	warning:  lipgloss.NewStyle().Foreground(lipgloss.Yellow),
	bad:      lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true),
	selected: lipgloss.NewStyle().Reverse(true),
})

// paint is what is written before and behind words of an ink.
type paint struct{ before, behind string }

func painted(styles [selected + 1]lipgloss.Style) (all [selected + 1]paint) {
	for i, style := range styles {
		all[i].before, all[i].behind, _ = strings.Cut(style.Render("x"), "x")
	}
	return all
}

// pen writes all words of the screen. It escapes whatever a terminal would act on, so
// that no part of the screen has to think of it.
type pen struct{ ascii bool }

// clean is text as the terminal may have it.
func (p pen) clean(s string) string {
	s = text.Printable(s)
	if p.ascii {
		s = toASCII(s)
	}
	return s
}

// put writes a text.
func (p pen) put(i ink, s string) string { return color(i, p.clean(s)) }

// left writes a text into a column, cut where it is too long.
func (p pen) left(i ink, s string, width int) string {
	s = p.cut(s, width)
	return color(i, s) + blanks(width-columns(s))
}

// right is left, aligned on the right.
func (p pen) right(i ink, s string, width int) string {
	s = p.cut(s, width)
	return blanks(width-columns(s)) + color(i, s)
}

// row writes a line of a list, all over when the cursor is on it.
func (p pen) row(chosen bool, line string, width int) string {
	if !chosen {
		return " " + line
	}
	return color(selected, p.left(plain, "▸"+ansi.Strip(line), width))
}

// rule writes a heading with a line up to the end.
func (p pen) rule(heading string, width int) string {
	heading = p.cut(heading, width)
	line := strings.Repeat(p.clean("─"), max(width-columns(heading)-1, 0))
	return color(bold, heading) + " " + color(faint, line)
}

func (p pen) cut(s string, width int) string {
	return truncated(p.clean(s), max(width, 0), p.clean("…"))
}

func color(i ink, s string) string {
	if i == plain || s == "" {
		return s
	}
	return inks[i].before + s + inks[i].behind
}

func blanks(n int) string { return strings.Repeat(" ", max(n, 0)) }

// fit cuts or fills a line that is written to exactly so many columns.
func fit(line string, width int) string {
	line = truncated(line, width, "")
	return line + blanks(width-columns(line)) // a wide character may not have fitted
}
