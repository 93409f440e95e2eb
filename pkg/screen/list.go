// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"slices"
	"time"
)

// settle is how long the order of a list stays after the cursor was moved.
const settle = 10 * time.Second

// list is the order of rows, and which the cursor is on. Rows do not jump under the
// cursor: after it was moved the order stays for a while, and the chosen row stays in its place
// for as long as it is chosen.
type list[K comparable] struct {
	keys   []K
	at     int
	chosen bool // by the user; otherwise the cursor is on whatever is first
	moved  time.Time
}

// arrange takes the rows in a new order.
func (l list[K]) arrange(sorted []K, now time.Time) list[K] {
	switch {
	case len(sorted) == 0:
		return list[K]{}
	case !l.chosen:
		l.keys, l.at = sorted, 0
		return l
	case now.Sub(l.moved) < settle:
		l.keys = merge(l.keys, sorted)
		l.at = min(l.at, len(l.keys)-1)
		return l
	}
	return l.pin(sorted)
}

// pin takes a new order, except for the chosen row.
func (l list[K]) pin(sorted []K) list[K] {
	key, ok := l.current()
	if !ok || !slices.Contains(sorted, key) {
		l.keys, l.at = sorted, min(l.at, len(sorted)-1)
		return l
	}
	others := slices.DeleteFunc(slices.Clone(sorted), func(k K) bool { return k == key })
	l.at = min(l.at, len(others))
	l.keys = slices.Insert(others, l.at, key)
	return l
}

// merge leaves rows where they are, drops those that are gone and appends new ones.
func merge[K comparable](old, sorted []K) []K {
	there := make(map[K]bool, len(sorted))
	for _, k := range sorted {
		there[k] = true
	}
	merged := slices.DeleteFunc(slices.Clone(old), func(k K) bool { return !there[k] })
	for _, k := range merged {
		delete(there, k)
	}
	for _, k := range sorted {
		if there[k] {
			merged = append(merged, k)
		}
	}
	return merged
}

// move moves the cursor by so many rows.
func (l list[K]) move(by int, now time.Time) list[K] {
	if len(l.keys) == 0 {
		return l
	}
	l.at = min(max(l.at+by, 0), len(l.keys)-1)
	l.chosen, l.moved = true, now
	return l
}

// release lets the rows come in whatever order.
func (l list[K]) release() list[K] {
	l.chosen, l.at = false, 0
	return l
}

// current is the row that the cursor is on.
func (l list[K]) current() (key K, ok bool) {
	if l.at >= len(l.keys) {
		return key, false
	}
	return l.keys[l.at], true
}

// window is which rows are shown where there is room for so many: the cursor is among
// them.
func (l list[K]) window(room int) (from, to int) {
	if room <= 0 {
		return 0, 0
	}
	from = max(min(l.at-room/2, len(l.keys)-room), 0)
	return from, min(from+room, len(l.keys))
}
