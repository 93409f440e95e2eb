// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"slices"
	"testing"
	"time"
)

func TestRowsDoNotJumpUnderTheCursor(t *testing.T) {
	now := time.Unix(1000, 0)
	rows := func(s string) []rune { return []rune(s) }
	l := list[rune]{}.arrange(rows("abcd"), now)
	l = l.arrange(rows("bacd"), now)
	if k, _ := l.current(); k != 'b' {
		t.Errorf("untouched, the cursor is on %c and not on what comes first", k)
	}
	l = l.move(1, now) // on a, the second
	check := func(when string, want string, after time.Duration, sorted string) {
		t.Helper()
		l = l.arrange(rows(sorted), now.Add(after))
		if k, _ := l.current(); string(l.keys) != want || k != 'a' {
			t.Errorf("%s: got %s on %c, want %s on a", when, string(l.keys), k, want)
		}
	}
	check("at once nothing moves, and what is new comes last", "bacde", time.Second, "edcba")
	check("what is gone goes", "bac", 2*time.Second, "cab")
	check("later the others are sorted around the cursor", "eadcb", time.Minute, "edcba")
	if l = l.release().arrange(rows("edcba"), now.Add(time.Minute)); string(l.keys) != "edcba" || l.at != 0 {
		t.Errorf("released: got %s at %d", string(l.keys), l.at)
	}
	l = l.move(99, now).arrange(nil, now)
	if _, ok := l.current(); ok {
		t.Error("the cursor is on a row of none")
	}
}

func TestWindowHoldsTheCursor(t *testing.T) {
	l := list[int]{}.arrange(slices.Collect(func(yield func(int) bool) {
		for i := range 100 {
			if !yield(i) {
				return
			}
		}
	}), time.Time{})
	for _, at := range []int{0, 1, 50, 98, 99} {
		for _, room := range []int{1, 2, 7, 100, 200} {
			l.at = at
			from, to := l.window(room)
			if at < from || at >= to || to-from > room || to-from < min(room, 100) {
				t.Errorf("cursor %d, room %d: %d to %d", at, room, from, to)
			}
		}
	}
}
