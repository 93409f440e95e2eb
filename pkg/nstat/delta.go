// SPDX-License-Identifier: Apache-2.0

package nstat

// Delta is how far a counter of one namespace moved from before to now. One that
// fell began again from zero, as connection tracking's do when their module is
// loaded again.
func Delta(now, before uint64) uint64 {
	if now < before {
		return now
	}
	return now - before
}

// Fell says whether a counter went back.
func Fell(now, before Values) bool {
	for counter, v := range now {
		if v < before[counter] {
			return true
		}
	}
	return false
}
