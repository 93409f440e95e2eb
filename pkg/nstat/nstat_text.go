// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"strconv"
	"strings"
)

// ParseNstat reads what nstat -as or nstat -zas prints: a counter a line, with its
// value and its rate. It returns how many of the lines are not understood.
func ParseNstat(text string) (values Values, bad int) {
	values = Values{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) < 2 {
			bad++
			continue
		}
		n, err := strconv.ParseUint(fields[1], 10, 64)
		if err != nil {
			bad++
			continue
		}
		values[fields[0]] = n
	}
	return values, bad
}
