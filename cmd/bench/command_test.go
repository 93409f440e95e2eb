// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestBadUsage(t *testing.T) {
	for _, args := range [][]string{
		{"--scenario", "nosuch"},
		{"--contender", "nosuch"},
		{"--sources", "0"},
		{"--sources", "1048577"},
		{"--rounds", "0"},
		{"--packets", "many"},
		{"--connections", "1000001"},
		{"--nosuch"},
		{"more"},
		{"instructions", "--table", "bench.md"},
	} {
		if got := run(t.Context(), args); got != 2 {
			t.Errorf("exit status of bench %q is %d, want 2", args, got)
		}
	}
}
