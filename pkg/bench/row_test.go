// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/flood"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3},
		{[]float64{9, 1}, 5},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 100, 2}, 3},
	} {
		if got := median(tt.values); got != tt.want {
			t.Errorf("median of %v is %v, want %v", tt.values, got, tt.want)
		}
	}
}

func TestSummarize(t *testing.T) {
	run := func(packet time.Duration, reported uint64) Run {
		return Run{
			Sent:    flood.Sent{Packets: 1000, Elapsed: time.Second - settle, CPU: 1000 * packet},
			Dropped: 1000, Report: Report{reported, true, reported == 1000, reported / 4, time.Second / 2}, CPU: 10 * time.Millisecond, Memory: reported,
			First: time.Second / 4, Needle: time.Second / 8,
		}
	}
	base := []Run{run(time.Microsecond, 0), run(2*time.Microsecond, 0), run(time.Microsecond, 0)}
	traced := []Run{run(2*time.Microsecond, 1000), run(4*time.Microsecond, 1000), run(3*time.Microsecond, 999)}
	want := Row{
		Rounds: 3, Packets: 1000, Unit: Microseconds, Packet: 3, Ratio: 0.5, Added: 2, Reported: 1, Sourceless: 0.25, CPU: 0.01, Memory: 1000, Attached: 0.5, First: 0.25,
		Cause: true, Source: false,
	}
	if diff := cmp.Diff(want, summarize(traced, base, Microseconds)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestSummarizeNothing(t *testing.T) {
	idle := []Run{{Sent: flood.Sent{Elapsed: time.Second}}}
	want := Row{Rounds: 1, Unit: Microseconds}
	if diff := cmp.Diff(want, summarize(idle, idle, Microseconds)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWriteTable(t *testing.T) {
	rows := []Row{
		{Scenario: "nft-drop", Sources: 16, Contender: "untraced", Unit: Microseconds, Packet: 0.4, Ratio: 1},
		{
			Scenario: "nft-drop", Sources: 16, Contender: "synwatch", Packets: 1000, Unit: Microseconds, Packet: 0.5, Ratio: 0.8, Added: 0.1, Reported: 1,
			CPU: 0.015, Memory: 30e6, Attached: 0.125, First: 0.25, Cause: true, Source: true,
			Costs: []Cost{{"on_free", 2000, 100 * time.Microsecond}},
		},
		{Scenario: "nft-drop", Sources: 16, Contender: "other", Missing: "other: start other: not found"},
	}
	want := `
scenario  sources  contender  cost   ratio  added     reported  sourceless  CPU     memory   attached  first event  needle  cause  source
nft-drop  16       untraced   0.400  1.000  -         -         -           -       -        -         -            -       -      -
nft-drop  16       synwatch   0.500  0.800  0.100     1.000000  -           1.50 %  30.0 MB  0.125 s   0.250 s      -       yes    yes
Costs are microseconds of CPU time.
nft-drop  16       synwatch   on_free  2.00 runs  50 ns
not measured: nft-drop: other: start other: not found
`[1:]
	var got strings.Builder
	if err := WriteTable(&got, rows); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(squeeze(want), squeeze(got.String())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// squeeze leaves one blank between words: how wide a column is does not matter.
func squeeze(table string) string {
	var out []string
	for line := range strings.Lines(table) {
		out = append(out, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(out, "\n")
}
