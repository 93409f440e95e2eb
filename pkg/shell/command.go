// SPDX-License-Identifier: Apache-2.0

// Package shell holds commands that users paste into a root shell, or that a
// script takes from JSON and runs. A command is made of arguments and quoted in
// one place, as interfaces, files and network namespaces have names that an
// unprivileged user chose.
package shell

import (
	"fmt"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// Command is a program with its arguments.
type Command struct {
	args []string
	file string // gets the output, unless it is empty
}

// New returns a command.
func New(program string, args ...string) Command {
	return Command{args: append([]string{program}, args...)}
}

// Into returns the command with its output written to a file.
func (c Command) Into(file string) Command {
	c.file = file
	return c
}

// By returns the command as it is run by another one, such as ip netns exec
// NAME. Without arguments of that it is the command itself.
func (c Command) By(runner []string) Command {
	if len(runner) == 0 {
		return c
	}
	args := slices.Clone(runner)
	if c.file != "" { // which the runner must open: it may be another one for it
		args = append(args, "sh", "-c", `"$@" > "$0"`, c.file)
	}
	return Command{args: append(args, c.args...)}
}

// IsZero says whether there is no command.
func (c Command) IsZero() bool { return len(c.args) == 0 }

// Equal compares two commands.
func (c Command) Equal(o Command) bool { return c.file == o.file && slices.Equal(c.args, o.args) }

// String is the line to paste. All of it is printable.
func (c Command) String() string {
	words := make([]string, 0, len(c.args)+2)
	for _, arg := range c.args {
		words = append(words, quote(arg))
	}
	if c.file != "" {
		words = append(words, ">", quote(c.file))
	}
	return strings.Join(words, " ")
}

// MarshalText is String.
func (c Command) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// File returns a path that no program takes for an option.
func File(path string) string {
	if strings.HasPrefix(path, "-") {
		return "./" + path
	}
	return path
}

// quote makes one word of an argument. What cannot be printed is written as
// $'\ooo', which bash, zsh, ksh, busybox and POSIX.1-2024 understand. A shell that
// does not, such as dash, gets another argument and still exactly one, because
// no quote is ever inside of the $'...'.
func quote(arg string) string {
	var b strings.Builder
	plain := 0 // where the printable part begins
	for i, c := range []byte(arg) {
		if c >= ' ' && c <= '~' {
			continue
		}
		if plain < i {
			b.WriteString(shellescape.Quote(arg[plain:i]))
		}
		fmt.Fprintf(&b, `$'\%03o'`, c)
		plain = i + 1
	}
	if plain < len(arg) || arg == "" {
		b.WriteString(shellescape.Quote(arg[plain:]))
	}
	return b.String()
}
