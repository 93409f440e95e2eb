// SPDX-License-Identifier: Apache-2.0

package text

import "strconv"

// Printable escapes what a terminal would act on or not show at all: C0 and C1
// control characters, DEL, bidirectional controls, line separators, and what is
// no UTF-8.
func Printable(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) || r == '\uFFFD' {
			quoted := strconv.Quote(s)
			return quoted[1 : len(quoted)-1]
		}
	}
	return s
}
