// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// console keeps the last lines of the kernel's console, and passes all on if asked.
type console struct {
	mu    sync.Mutex
	lines []string
	part  []byte
	tee   io.Writer
}

// consoleLines is enough for an oops and what led to it.
const consoleLines = 60

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tee != nil {
		c.tee.Write(p)
	}
	c.part = append(c.part, p...)
	for {
		i := bytes.IndexByte(c.part, '\n')
		if i < 0 {
			return len(p), nil
		}
		c.lines = append(c.lines, printable(c.part[:i]))
		c.part = c.part[i+1:]
		if len(c.lines) > consoleLines {
			c.lines = c.lines[1:]
		}
	}
}

// tail returns the lines kept.
func (c *console) tail() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := append([]string(nil), c.lines...)
	if rest := printable(c.part); rest != "" {
		lines = append(lines, rest)
	}
	return lines
}

// printable drops control characters, such as a BIOS's cursor movements.
func printable(b []byte) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' {
			return -1
		}
		return r
	}, string(b)))
}
