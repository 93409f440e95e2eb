// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"slices"
	"strings"
)

// levels are the heights of a column of a sparkline, lowest first. The lowest is drawn
// for nothing, too, so that the line shows how much time it covers.
var levels = []rune("▁▂▃▄▅▆▇█")

// minute is how many seconds a sparkline covers.
const minute = 60

// sparkline draws the drops of each of the last seconds, the newest last, in at most so
// many columns. Each column stands for the same number of seconds.
func sparkline(recent []uint64, width int) string {
	each := secondsPerColumn(width)
	if each == 0 {
		return ""
	}
	sums := make([]uint64, minute/each)
	for i := range min(len(recent), len(sums)*each) {
		sums[len(sums)-1-i/each] += recent[len(recent)-1-i]
	}
	most := slices.Max(sums)
	var line strings.Builder
	for _, n := range sums {
		line.WriteRune(levels[level(n, most)])
	}
	return line.String()
}

// secondsPerColumn divides a minute into as many equal parts as there is room for, 0 if
// there is hardly any.
func secondsPerColumn(width int) int {
	for _, each := range []int{1, 2, 3, 4, 5, 6, 10} {
		if minute/each <= width {
			return each
		}
	}
	return 0
}

// level is how high n of most is. The lowest is for nothing alone.
func level(n, most uint64) int {
	if n == 0 || most == 0 {
		return 0
	}
	return 1 + int(float64(n)/float64(most)*float64(len(levels)-2))
}
