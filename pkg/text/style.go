// SPDX-License-Identifier: Apache-2.0

package text

import (
	"errors"
	"io"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
)

// Style is how words look where there are colours. The zero Style is plain.
type Style struct{ style *lipgloss.Style }

func style(s lipgloss.Style) Style { return Style{&s} }

var (
	Plain  = Style{}
	Bold   = style(lipgloss.NewStyle().Bold(true))
	Faint  = style(lipgloss.NewStyle().Faint(true))
	Green  = style(lipgloss.NewStyle().Foreground(lipgloss.Green))
	Red    = style(lipgloss.NewStyle().Foreground(lipgloss.Red))
	Yellow = style(lipgloss.NewStyle().Foreground(lipgloss.Yellow))
	// The colours of what is worst.
	BoldRed    = style(lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true))
	BoldYellow = style(lipgloss.NewStyle().Foreground(lipgloss.Yellow).Bold(true))
)

// Part is a part of a line in one style.
type Part struct {
	Style Style
	Text  string
}

// Of is a part in this style.
func (s Style) Of(text string) Part { return Part{s, text} }

// Palette says whether text is coloured.
type Palette struct{ profile colorprofile.Profile }

// NewPalette returns what --color asks for of text that is written to w: "auto"
// colours on a terminal whose environment wants it, "always", or "never".
func NewPalette(mode string, w io.Writer, environ []string) (Palette, error) {
	switch mode {
	case "auto":
		return Palette{colorprofile.Detect(w, environ)}, nil
	case "always":
		return Palette{max(colorprofile.ANSI, colorprofile.Env(environ))}, nil
	case "never":
		return Palette{}, nil
	}
	return Palette{}, errors.New("must be auto, always or never")
}

// paint colours printable text, or leaves it as it is where there are no colours.
func (p Palette) paint(s Style, text string) string {
	if p.profile < colorprofile.ANSI || s.style == nil || text == "" {
		return text
	}
	return s.style.Render(text)
}
