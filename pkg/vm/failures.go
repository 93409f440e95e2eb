// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"bytes"
	"strings"
)

// Failures are the lines of a Go test's output that say what failed and why: those
// under a line "--- FAIL", without the project's own reports.
func Failures(stdout []byte) []string {
	var found []string
	within := -1 // the depth of the test that failed, -1 outside of one
	lines := bufio.NewScanner(bytes.NewReader(stdout))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		line := lines.Text()
		text := strings.TrimLeft(line, " ")
		depth := len(line) - len(text)
		switch {
		case strings.HasPrefix(text, "--- FAIL"):
			within = depth
		case strings.HasPrefix(text, "panic: "), strings.HasPrefix(text, "fatal error: "):
			within = -1
			found = append(found, line)
			continue
		case within >= 0 && depth <= within, strings.HasPrefix(text, "--- "):
			within = -1
		}
		if within >= 0 {
			found = append(found, line)
		}
	}
	return found
}
