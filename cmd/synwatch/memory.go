// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime/debug"
	"slices"
	"strings"
)

// garbagePercent is GOGC while tracing, half of the default: on a machine in trouble
// memory is scarcer than time.
const garbagePercent = 50

// releaseMemory returns the memory that loading took to the kernel, and has the
// garbage collector keep the rest small unless the environment sets that. It
// takes a moment.
func releaseMemory(environ []string) {
	set := func(entry string) bool {
		return strings.HasPrefix(entry, "GOGC=") || strings.HasPrefix(entry, "GOMEMLIMIT=")
	}
	if !slices.ContainsFunc(environ, set) {
		debug.SetGCPercent(garbagePercent)
	}
	debug.FreeOSMemory()
}

// tableMemory is enough for a pass over a connection tracking table, most of which
// is not resident.
const tableMemory = 64 << 20

// collectLate turns the garbage collector off while the program uses less than
// tableMemory, until end is called. A pass allocates its table at once, for which
// the collector would scan all of the program's data and free nothing.
func collectLate() (end func()) {
	limit := debug.SetMemoryLimit(-1)
	debug.SetMemoryLimit(min(limit, tableMemory))
	percent := debug.SetGCPercent(-1)
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}
