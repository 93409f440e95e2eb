// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// softnetText is a file in which each CPU has its number in the last column.
func softnetText(dropped map[int]uint32) *Softnet {
	var b strings.Builder
	for cpu, n := range dropped {
		fmt.Fprintf(&b, "%08x %08x %08x%s %08x\n", n+7, n, 3, strings.Repeat(" 00000000", 9), cpu)
	}
	return ParseSoftnet(b.String())
}

func TestSoftnetSince(t *testing.T) {
	for name, test := range map[string]struct {
		before, now *Softnet
		want        *Softnet
	}{
		"moved":                {softnetText(map[int]uint32{0: 5, 1: 9}), softnetText(map[int]uint32{0: 6, 1: 11}), &Softnet{Processed: 3, Dropped: 3}},
		"a CPU is unplugged":   {softnetText(map[int]uint32{0: 5, 1: 900}), softnetText(map[int]uint32{0: 6}), &Softnet{Processed: 1, Dropped: 1}},
		"a CPU comes back":     {softnetText(map[int]uint32{0: 5}), softnetText(map[int]uint32{0: 6, 1: 900}), &Softnet{Processed: 1, Dropped: 1}},
		"a counter wrapped":    {softnetText(map[int]uint32{0: 1<<32 - 8}), softnetText(map[int]uint32{0: 2}), &Softnet{Processed: 10, Dropped: 10}},
		"sums moved":           {&Softnet{Dropped: 5}, &Softnet{Dropped: 9}, &Softnet{Dropped: 4}},
		"sums fell":            {&Softnet{Dropped: 9}, &Softnet{Dropped: 5}, nil},
		"it was not read then": {nil, &Softnet{Dropped: 5}, nil},
	} {
		if diff := cmp.Diff(test.want, test.now.Since(test.before)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
