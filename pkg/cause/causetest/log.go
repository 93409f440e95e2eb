// SPDX-License-Identifier: Apache-2.0

package causetest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// marker is what the lines of a log begin with that are of a recording.
const marker = "recorded: "

// Line is a line of a recording; one of its parts is set.
type Line struct {
	Provoked *Provoked `json:"provoked,omitempty"`
	// Family is that of the traffic of Provoked.
	Family string `json:"family,omitempty"`
	// Passed are events of which no record came.
	Passed   []Event   `json:"passed,omitempty"`
	Coverage *Coverage `json:"coverage,omitempty"`
}

// WriteLine writes a line to a log.
func WriteLine(w io.Writer, l Line) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", marker, text)
	return err
}

// ReadLog adds what a log has of a kernel, in place of what was known of it.
func (r *Recordings) ReadLog(kernel string, log io.Reader) error {
	r.forget(kernel)
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), marker)
		if !ok {
			continue
		}
		var l Line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			return fmt.Errorf("%w in %s", err, text)
		}
		r.add(kernel, l)
	}
	if lines.Err() == nil && r.Kernels[kernel] == nil {
		return errors.New("the log has no recording")
	}
	return lines.Err()
}

func (r *Recordings) add(kernel string, l Line) {
	if l.Coverage != nil {
		r.Kernels[kernel] = l.Coverage
	}
	if l.Provoked != nil {
		r.addTake(*l.Provoked, kernel, l.Family)
	}
	for _, e := range l.Passed {
		r.addPassed(e, kernel)
	}
}
