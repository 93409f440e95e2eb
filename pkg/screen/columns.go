// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Almost all that is on the screen is plain: ASCII, colours, and what the screen draws
// with. To look for clusters of characters in that would be most of what the screen costs.

// columns is how wide a written text is.
func columns(s string) int {
	n := 0
	for i := 0; i < len(s); {
		size, width, ok := plainAt(s[i:])
		if !ok {
			return ansi.StringWidth(s)
		}
		i, n = i+size, n+width
	}
	return n
}

// truncated is as much of a written text as fits, with a tail where it is cut. Colours
// are kept to the end.
func truncated(s string, most int, tail string) string {
	if columns(s) <= most {
		return s
	}
	var out strings.Builder
	room := most - columns(tail)
	cut := false
	for i := 0; i < len(s); {
		size, width, ok := plainAt(s[i:])
		switch {
		case !ok || room < 0:
			return ansi.Truncate(s, most, tail)
		case width == 0:
			out.WriteString(s[i : i+size])
		case cut:
		case width <= room:
			out.WriteString(s[i : i+size])
			room -= width
		default:
			out.WriteString(tail)
			cut = true
		}
		i += size
	}
	return out.String()
}

// plainAt is the size and width of the first character, or colour, of a text; it is not
// ok for what may be wide, or joined with others.
func plainAt(s string) (size, width int, ok bool) {
	switch b := s[0]; {
	case b == '\x1b':
		end := strings.IndexByte(s, 'm')
		return end + 1, 0, end > 0
	case b < utf8.RuneSelf:
		return 1, 1, b >= ' ' && b != 0x7f
	}
	r, size := utf8.DecodeRuneInString(s)
	_, drawn := inASCII[r]
	return size, 1, drawn || r >= '─' && r <= '▟'
}
