// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"testing"

	"github.com/synwatch/synwatch/pkg/needs"
)

func BenchmarkOpen(b *testing.B) {
	needs.Root(b)
	for b.Loop() {
		t, err := Open(Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := t.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
