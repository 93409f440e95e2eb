// SPDX-License-Identifier: Apache-2.0

package vm

import "strings"

// Failures are the lines of a Go test's output that say what failed and why: those
// under a line "--- FAIL", without the project's own reports.
func Failures(stdout []byte) []string {
	var found []string
	within := -1 // the depth of the test that failed, -1 outside of one
	for line := range strings.Lines(string(stdout)) {
		line = strings.TrimSuffix(line, "\n")
		text := strings.TrimLeft(line, " ")
		depth := len(line) - len(text)
		switch {
		case strings.HasPrefix(text, "--- FAIL"):
			within = depth
		case strings.HasPrefix(text, "--- "), depth <= within:
			within = -1
		}
		if within >= 0 || strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: ") {
			found = append(found, line)
		}
	}
	return found
}
