// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime/debug"
	"slices"
	"strings"
)

// garbagePercent is how much garbage may gather, as part of what is in use: a
// tracer on a machine in trouble has more time than memory.
const garbagePercent = 50

// thrift gives back the memory that loading took, and keeps the rest small,
// unless the environment says how. It takes a moment.
func thrift(environ []string) {
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

// lenient lets garbage be while all that is in use is below tableMemory, until it
// is ended. A table's memory is taken at once, for which the garbage collector
// would look through all of the program's data, and find nothing.
func lenient() (end func()) {
	limit := debug.SetMemoryLimit(-1)
	debug.SetMemoryLimit(min(limit, tableMemory))
	percent := debug.SetGCPercent(-1)
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}
