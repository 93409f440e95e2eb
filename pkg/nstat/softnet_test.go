// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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
		if diff := cmp.Diff(test.want, test.now.Since(test.before), cmpopts.IgnoreFields(Softnet{}, "CPUs")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSoftnetSinceByCPU(t *testing.T) {
	delta := softnetText(map[int]uint32{0: 6, 2: 9, 3: 1}).Since(softnetText(map[int]uint32{0: 5, 2: 9}))
	if len(delta.CPUs) != 2 || delta.CPUs[0].Dropped != 1 || delta.CPUs[2].Dropped != 0 {
		t.Errorf("%+v", delta.CPUs)
	}
}

func TestParseSoftnetByCPU(t *testing.T) {
	s := ParseSoftnet("0000000a 00000002 00000001 0 0 0 0 0 0 00000007 0 0 00000000\n00000014 00000000 00000003 0 0 0 0 0 0 00000000 0 0 00000002\n")
	one, two := Softnet{Processed: 10, Dropped: 2, Squeezed: 1, Steered: 7}, Softnet{Processed: 20, Squeezed: 3}
	want := &Softnet{
		Processed: 30, Dropped: 2, Squeezed: 4, Steered: 7,
		CPUs: map[int]Softnet{0: one, 2: two}, Lines: []Softnet{one, two},
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
