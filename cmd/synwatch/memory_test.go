// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime/debug"
	"testing"
)

func TestCollectLateEnds(t *testing.T) {
	const limit = 1 << 40
	defer debug.SetGCPercent(debug.SetGCPercent(77))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(limit))
	end := collectLate()
	if percent, most := debug.SetGCPercent(-1), debug.SetMemoryLimit(-1); percent != -1 || most != tableMemory {
		t.Errorf("at %d %%, up to %d bytes", percent, most)
	}
	end()
	if percent, most := debug.SetGCPercent(77), debug.SetMemoryLimit(-1); percent != 77 || most != limit {
		t.Errorf("it ends with %d %%, %d bytes", percent, most)
	}
}
