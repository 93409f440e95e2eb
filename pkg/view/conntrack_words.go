// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"time"

	"github.com/synwatch/synwatch/pkg/conntrack"
)

// medianWord is empty where no entry's time is known.
func medianWord(g *conntrack.Group) string {
	if g.MedianOf == 0 {
		return "-"
	}
	return roughly(g.Median)
}

// roughly is a time to two digits or so.
func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

// percent rounds to whole ones, but for what is almost none or almost all.
func percent(part, whole uint64) string {
	switch {
	case whole == 0 || part == 0:
		return "0 %"
	case part*200 < whole:
		return "<1 %"
	case part < whole && part*200 >= whole*199:
		return ">99 %"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(whole))
}
