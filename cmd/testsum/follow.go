// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// event is a line of go test -json (cmd/test2json).
type event struct {
	Action, Package, ImportPath, Test, Output string
}

// follow writes to stdout what go test would: a line for each package, and all that
// a package printed which failed; to log, what each test printed. It leaves it to go
// test to fail.
func follow(r io.Reader, stdout, log io.Writer) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	printed := map[string]*strings.Builder{}
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(stdout, lines.Text()) // go's own, before a build
			continue
		}
		if e.Action == "build-output" {
			io.WriteString(stdout, e.Output)
		}
		if printed[e.Package] == nil {
			printed[e.Package] = &strings.Builder{}
		}
		switch e.Action {
		case "output":
			printed[e.Package].WriteString(e.Output)
			if _, err := io.WriteString(log, e.Output); err != nil {
				return err
			}
		case "pass", "skip", "fail":
			if e.Test == "" {
				io.WriteString(stdout, shown(e.Action, printed[e.Package].String()))
				delete(printed, e.Package)
			}
		}
	}
	return lines.Err()
}

// shown is what to show of a package's output: all of it if it failed, and otherwise
// its last line.
func shown(action, output string) string {
	if action == "fail" {
		return output
	}
	if action == "skip" { // no test files
		return ""
	}
	return output[strings.LastIndexByte(strings.TrimRight(output, "\n"), '\n')+1:]
}
