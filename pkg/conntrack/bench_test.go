// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"math/rand/v2"
	"testing"
)

func BenchmarkDecode(b *testing.B) {
	message := unhex(b, captured["tcp4"].hex)
	for b.Loop() {
		if _, err := Decode(message); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, entry := range map[string]func(int) *Entry{
		"one range": func(i int) *Entry {
			return established(within("203.0.113.0/26", uint64(i%64)), 10_800+uint32(r.IntN(1200)))
		},
		"one host":       func(int) *Entry { return established(addr("203.0.113.1"), uint32(r.IntN(430_000))) },
		"random sources": func(i int) *Entry { return established(public(r), uint32(r.IntN(430_000))) },
	} {
		b.Run(name, func(b *testing.B) {
			entries := make([]*Entry, 1<<18)
			for i := range entries {
				entries[i] = entry(i)
			}
			tally := newTestTally(Options{})
			i := 0
			for b.Loop() {
				tally.Add(entries[i%len(entries)])
				i++
			}
		})
	}
}
