// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
)

// word is one word of a filter.
type word struct {
	negated bool
	key     string // empty for a word without one
	value   string
}

// split breaks a text into words at blanks that are not between double quotes.
func split(text string) ([]word, error) {
	quoted := false
	fields := strings.FieldsFunc(text, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && unicode.IsSpace(r)
	})
	if quoted {
		return nil, errors.New(`a quote (") is open`)
	}
	var words []word
	for _, field := range fields {
		w, err := parseWord(strings.ReplaceAll(field, `"`, ""))
		if err != nil {
			return nil, err
		}
		words = append(words, w)
	}
	return words, nil
}

func parseWord(text string) (word, error) {
	var w word
	rest := strings.TrimLeft(text, "-!")
	w.negated = len(rest) < len(text)
	if len(text)-len(rest) > 1 {
		return w, fmt.Errorf("%q: one - or ! is enough", text)
	}
	w.value = rest
	if key, value, ok := strings.Cut(rest, ":"); ok && isKey(key) && !isAddress(rest) {
		w.key, w.value = strings.ToLower(key), value
		if alias, ok := aliases[w.key]; ok {
			w.key = alias
		}
		if _, ok := keys[w.key]; !ok {
			return w, fmt.Errorf("%q: no key is named %q, they are %s", text, key, strings.Join(Keys(), ", "))
		}
	}
	if w.value == "" {
		return w, fmt.Errorf("%q: a value is missing", text)
	}
	return w, nil
}

// isKey says whether something before a colon is meant as a key. What has other
// characters than letters is part of an address, or of a name.
func isKey(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
}

func isAddress(s string) bool {
	if _, err := ParsePrefix(s); err == nil {
		return true
	}
	_, err := netip.ParseAddrPort(s)
	return err == nil
}

// tests are the word's, one for each value.
func (w word) tests() ([]test, error) {
	if w.key == "" {
		return []test{anywhere(w.value)}, nil
	}
	var tests []test
	for value := range strings.SplitSeq(w.value, ",") {
		t, err := keys[w.key].parse(value)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", w.String(), err)
		}
		tests = append(tests, t)
	}
	return tests, nil
}

// String is the word as it is read.
func (w word) String() string {
	text := w.value
	if w.key != "" {
		text = w.key + ":" + w.value
	}
	if w.negated {
		text = "-" + text
	}
	if strings.ContainsFunc(text, unicode.IsSpace) {
		text = `"` + text + `"`
	}
	return text
}

func join(words []string) string { return strings.Join(words, " ") }
