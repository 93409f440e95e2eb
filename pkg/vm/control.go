// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"strconv"
	"strings"
)

// The control port carries lines. From the guest:
//
//	hello RELEASE          init runs; RELEASE is uname -r
//	ports KIND             which ports the output takes: "virtio" or "serial"
//	warn TEXT              something is not as wished; the command runs all the same
//	exit STATUS OUT ERR    the command ended after writing so many bytes to each port
//
// and to the guest:
//
//	eof IN                 stdin ended after so many bytes
//
// The byte counts make the end of the output certain: serial ports have no end of file.
type message struct {
	kind     string // "hello", "ports", "warn", "exit" or "eof"
	text     string // of hello, ports and warn
	status   int
	out, err int64 // of exit; out is also eof's count
}

func (m message) String() string {
	switch m.kind {
	case "exit":
		return fmt.Sprintf("exit %d %d %d\n", m.status, m.out, m.err)
	case "eof":
		return fmt.Sprintf("eof %d\n", m.out)
	}
	return m.kind + " " + strings.ReplaceAll(m.text, "\n", " ") + "\n"
}

// parseMessage reads one line. Anything that is no message is an error: a kernel
// may write to a serial port before init has it.
func parseMessage(line string) (message, error) {
	line = strings.TrimRight(line, "\r\n")
	kind, rest, _ := strings.Cut(line, " ")
	switch kind {
	case "hello", "ports", "warn":
		return message{kind: kind, text: rest}, nil
	case "exit":
		n, err := parseNumbers(rest, 3)
		if err != nil {
			return message{}, fmt.Errorf("control line %q: %w", line, err)
		}
		return message{kind: kind, status: int(n[0]), out: n[1], err: n[2]}, nil
	case "eof":
		n, err := parseNumbers(rest, 1)
		if err != nil {
			return message{}, fmt.Errorf("control line %q: %w", line, err)
		}
		return message{kind: kind, out: n[0]}, nil
	}
	return message{}, fmt.Errorf("control line %q: unknown", line)
}

func parseNumbers(text string, want int) ([]int64, error) {
	fields := strings.Fields(text)
	if len(fields) != want {
		return nil, fmt.Errorf("%d numbers instead of %d", len(fields), want)
	}
	var out []int64
	for _, f := range fields {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}
