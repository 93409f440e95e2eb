// SPDX-License-Identifier: Apache-2.0

package shell

import (
	"errors"
	"strconv"
	"strings"
)

// UnmarshalText reads what String writes. Any other line gives no command: whoever wrote
// it may have meant a shell to do more than to run a program.
func (c *Command) UnmarshalText(text []byte) error {
	parsed, err := parse(string(text))
	if err != nil || parsed.String() != string(text) {
		parsed = Command{}
	}
	*c = parsed
	return nil
}

var errQuote = errors.New("quoted in another way")

func parse(line string) (Command, error) {
	var c Command
	for line != "" {
		into, isFile := strings.CutPrefix(line, "> ")
		arg, rest, err := word(into)
		switch {
		case err != nil:
			return Command{}, err
		case isFile:
			c.file = arg
		default:
			c.args = append(c.args, arg)
		}
		line = strings.TrimPrefix(rest, " ")
	}
	return c, nil
}

// word takes the first word off a line.
func word(line string) (arg, rest string, err error) {
	var b strings.Builder
	for line != "" && line[0] != ' ' {
		part, n, err := quoted(line)
		if err != nil {
			return "", "", err
		}
		b.WriteString(part)
		line = line[n:]
	}
	return b.String(), line, nil
}

// quoted is what the beginning of a word, of n bytes, stands for.
func quoted(line string) (part string, n int, err error) {
	for _, q := range []struct{ open, end string }{{"$'", "'"}, {"'", "'"}, {`"`, `"`}} {
		rest, ok := strings.CutPrefix(line, q.open)
		if !ok {
			continue
		}
		part, _, ok = strings.Cut(rest, q.end)
		if !ok {
			return "", 0, errQuote
		}
		n = len(q.open) + len(part) + len(q.end)
		if q.open == "$'" {
			part, err = octal(part)
		}
		return part, n, err
	}
	return line[:1], 1, nil
}

// octal reads \ooo.
func octal(part string) (string, error) {
	digits, ok := strings.CutPrefix(part, `\`)
	c, err := strconv.ParseUint(digits, 8, 8)
	if !ok || err != nil {
		return "", errQuote
	}
	return string([]byte{byte(c)}), nil
}
