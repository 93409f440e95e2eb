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
