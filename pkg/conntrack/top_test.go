// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestLargest(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{1, 3, 100, 5000} {
		l := largest[int]{n: n, compare: func(a, b *int) int { return *b - *a }}
		var all []int
		for range 3000 {
			v := r.IntN(1000)
			all = append(all, v)
			l.add(&v)
		}
		slices.Sort(all)
		slices.Reverse(all)
		if want := all[:min(n, len(all))]; !slices.Equal(l.sorted(), want) {
			t.Errorf("the first %d: got %v, want %v", n, l.kept, want)
		}
	}
}
