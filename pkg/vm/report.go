// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// reportPrefix starts a line of a test's stdout that is meant for the table.
const reportPrefix = "matrix: "

// Report is what a test says of one cause on one kernel: one JSON object in a line
// of stdout that starts with "matrix: ".
type Report struct {
	Kernel string `json:"kernel"` // uname -r
	Cause  string `json:"cause"`
	Stage  string `json:"stage,omitempty"`
	Family string `json:"family,omitempty"` // "4", "6", "mapped" or ""
	Status string `json:"status"`           // one of the Status constants
	Why    string `json:"why,omitempty"`    // the reason, unless exact
}

// What a report's status can be.
const (
	StatusExact  = "exact"  // seen, and counted exactly
	StatusUnseen = "unseen" // happens, but this kernel does not show it
	StatusSkip   = "skip"   // could not be provoked here
	StatusFail   = "fail"   // should have been exact and was not
)

// severity orders statuses: where a cause was reported twice, the table shows the
// worse, so that a passing test cannot hide another.
var severity = map[string]int{StatusExact: 1, StatusSkip: 2, StatusUnseen: 3, StatusFail: 4}

// ParseReports reads the reports out of a test's output.
func ParseReports(r io.Reader) ([]Report, error) {
	var out []Report
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), reportPrefix)
		if !ok {
			continue
		}
		var rep Report
		if err := json.Unmarshal([]byte(text), &rep); err != nil {
			return out, fmt.Errorf("report %q: %w", text, err)
		}
		if severity[rep.Status] == 0 {
			return out, fmt.Errorf("report %q: unknown status", text)
		}
		out = append(out, rep)
	}
	return out, lines.Err()
}
