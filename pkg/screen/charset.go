// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"fmt"
	"strings"
)

// HasUnicode says whether an environment's terminal shows block elements: its locale
// must be one of UTF-8, and the Linux console has a font of 256 characters, or 512.
func HasUnicode(environ []string) bool {
	if lookup(environ, "TERM") == "linux" {
		return false
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := lookup(environ, name); value != "" {
			value = strings.ToLower(value)
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
}

// lookup is the value of a variable; of several the last counts.
func lookup(environ []string, name string) (value string) {
	for _, pair := range environ {
		if v, ok := strings.CutPrefix(pair, name+"="); ok {
			value = v
		}
	}
	return value
}

// inASCII replaces what the screen draws with. All have one column.
var inASCII = map[rune]string{
	'▁': "_", '▂': ".", '▃': ".", '▄': "-", '▅': "=", '▆': "+", '▇': "*", '█': "#",
	'▏': "-", '▎': "-", '▍': "-", '▌': "=", '▋': "=", '▊': "=", '▉': "+",
	'·': ".", '×': "x", '→': ">", '…': "~", '─': "-", '│': "|", '▸': ">", '▾': "v", '⏎': "Enter", '↑': "^", '↓': "v", '←': "<", '›': ">",
	'–': "-", '—': "-", '’': "'", '“': `"`, '”': `"`, '≥': ">=", '≤': "<=",
}

// toASCII replaces what is not ASCII, and escapes what has no replacement.
func toASCII(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r > '~' }) < 0 {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		replacement, ok := inASCII[r]
		switch {
		case r <= '~':
			out.WriteRune(r)
		case ok:
			out.WriteString(replacement)
		case r <= 0xffff:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			fmt.Fprintf(&out, `\U%08x`, r)
		}
	}
	return out.String()
}
