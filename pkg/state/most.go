// SPDX-License-Identifier: Apache-2.0

package state

import (
	"iter"
	"slices"
)

// most returns the first n of all in the order of compare, without sorting all.
func most[T any](all iter.Seq[*T], n int, compare func(a, b *T) int) []T {
	first := make([]*T, 0, 2*n)
	full := false // then first[n-1] is the last that counts
	for v := range all {
		if full && compare(first[n-1], v) < 0 {
			continue
		}
		first = append(first, v)
		if len(first) == 2*n {
			slices.SortFunc(first, compare)
			first, full = first[:n], true
		}
	}
	slices.SortFunc(first, compare)
	found := make([]T, 0, n)
	for _, v := range first[:min(n, len(first))] {
		found = append(found, *v)
	}
	return found
}

// pointers are those to the elements of a slice.
func pointers[T any](all []T) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for i := range all {
			if !yield(&all[i]) {
				return
			}
		}
	}
}
