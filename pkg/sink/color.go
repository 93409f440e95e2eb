// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"fmt"
	"io"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/synwatch/synwatch/pkg/cause"
)

// Palette is how text is coloured.
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
	return Palette{}, fmt.Errorf("must be auto, always or never")
}

var (
	heading = lipgloss.NewStyle().Bold(true)
	faint   = lipgloss.NewStyle().Faint(true)
	good    = lipgloss.NewStyle().Foreground(lipgloss.Green)
	bad     = lipgloss.NewStyle().Foreground(lipgloss.Red)
	kinds   = map[cause.Kind]lipgloss.Style{
		cause.Drop:   lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true),
		cause.Notice: lipgloss.NewStyle().Foreground(lipgloss.Yellow),
	}
)

// paint colours s, or leaves it as it is where there are no colours.
func (p Palette) paint(style lipgloss.Style, s string) string {
	if p.profile < colorprofile.ANSI || s == "" {
		return s
	}
	return style.Render(s)
}
