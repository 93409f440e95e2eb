// SPDX-License-Identifier: Apache-2.0

package screen

import "strings"

// parts are the eighths of a column of a bar.
var parts = []rune(" ▏▎▍▌▋▊▉█")

// empty is a column of a bar that is not filled.
const empty = '·'

// bar draws how much of a limit is used, in exactly so many columns. It is full only
// when the limit is reached, and never empty while something is used.
func bar(used, limit uint64, width int) string {
	if width <= 0 {
		return ""
	}
	eighths := width * 8
	filled := eighths
	switch {
	case limit == 0 && used == 0:
		filled = 0
	case used < limit:
		filled = min(int(float64(used)/float64(limit)*float64(eighths)), eighths-1)
		if used > 0 {
			filled = max(filled, 1)
		}
	}
	var line strings.Builder
	for i := range width {
		switch left := filled - i*8; {
		case left >= 8:
			line.WriteRune(parts[8])
		case left > 0:
			line.WriteRune(parts[left])
		default:
			line.WriteRune(empty)
		}
	}
	return line.String()
}
