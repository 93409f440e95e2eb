// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"strings"
	"unicode"
)

// Suggest returns what the text may go on as: with its last word completed to a key, or
// to a value of a key that has known ones.
func Suggest(text string) []string {
	start := strings.LastIndexFunc(text, unicode.IsSpace) + 1
	before, last := text[:start], text[start:]
	sign := last[:len(last)-len(strings.TrimLeft(last, "-!"))]
	last = last[len(sign):]
	if last == "" {
		return nil
	}
	name, value, ok := strings.Cut(last, ":")
	if !ok {
		return begin(before+sign, last, withColon(Keys()))
	}
	k, ok := keys[name]
	if !ok || k.known == nil {
		return nil
	}
	comma := strings.LastIndex(value, ",") + 1
	return begin(before+sign+name+":"+value[:comma], value[comma:], k.known())
}

func withColon(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = name + ":"
	}
	return all
}

// begin are those of the words that begin so, behind what stands before them.
func begin(before, prefix string, words []string) []string {
	var found []string
	for _, w := range words {
		if strings.HasPrefix(w, prefix) && w != prefix {
			found = append(found, before+w)
		}
	}
	return found
}
