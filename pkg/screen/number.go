// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"fmt"
	"strconv"
	"time"
)

// number writes a count with its thousands apart, or shortened to three digits and a
// letter where that is wider than the column.
func number(n uint64, width int) string {
	digits := strconv.FormatUint(n, 10)
	grouped := ""
	for len(digits) > 3 {
		grouped = "," + digits[len(digits)-3:] + grouped
		digits = digits[:len(digits)-3]
	}
	if grouped = digits + grouped; len(grouped) <= width {
		return grouped
	}
	return short(float64(n))
}

// short writes a number in at most five columns.
func short(n float64) string {
	for _, unit := range []string{"", "k", "M", "G", "T"} {
		switch {
		case n < 9.95 && unit != "":
			return fmt.Sprintf("%.1f%s", n, unit)
		case n < 999.5:
			return fmt.Sprintf("%.0f%s", n, unit)
		}
		n /= 1000
	}
	return fmt.Sprintf("%.0fP", n)
}

// rate writes drops a second: with a decimal below ten, and nothing for none at all.
func rate(perSecond float64, width int) string {
	switch {
	case perSecond <= 0:
		return "0"
	case perSecond < 0.05:
		return "<0.1"
	case perSecond < 9.95:
		return fmt.Sprintf("%.1f", perSecond)
	}
	return number(uint64(perSecond+0.5), width)
}

// percent is how much of all n is, in at most four columns. It is 100 only for all, and 0
// only for nothing.
func percent(n, all uint64) string {
	if all == 0 {
		return ""
	}
	p := int(float64(n)/float64(all)*100 + 0.5)
	switch {
	case n > 0 && p == 0:
		return "<1%"
	case n < all && p == 100:
		p = 99
	}
	return fmt.Sprintf("%d%%", p)
}

// clock writes how long a run is: 1:23, or 1:02:03.
func clock(d time.Duration) string {
	s := int(d / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
