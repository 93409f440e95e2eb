// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/flood"
)

// TestUnitHere has the machines of package vm say what they run on.
func TestUnitHere(t *testing.T) {
	for accel, want := range map[string]Unit{
		"icount": Instructions, "tcg": EmulatedMicroseconds, "kvm": Microseconds, "": Microseconds,
	} {
		t.Setenv("SYNWATCH_ACCEL", accel)
		if got := UnitHere(); got != want {
			t.Errorf("accel %q: %q, want %q", accel, got, want)
		}
	}
}

// TestTableOfInstructions wants no word of time in it.
func TestTableOfInstructions(t *testing.T) {
	run := Run{Sent: flood.Sent{Packets: 10, CPU: 10 * 1234 * time.Nanosecond}, Costs: []Cost{{"on_free", 15, 15 * 400}}}
	row := summarize([]Run{run}, []Run{{Sent: flood.Sent{Packets: 10, CPU: 10 * 1000}}}, Instructions)
	var got strings.Builder
	if err := WriteTable(&got, []Row{row}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{" 1234 ", " 234 ", "Costs are instructions", "1.50 runs", "400 instructions"} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("no %q in\n%s", want, got.String())
		}
	}
	if strings.Contains(got.String(), "µs") || strings.Contains(got.String(), " ns") {
		t.Errorf("a time in\n%s", got.String())
	}
}
