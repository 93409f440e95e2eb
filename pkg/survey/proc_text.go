// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"strconv"
	"strings"
	"time"
)

// The files of /proc are read here, and not with prometheus/procfs, because that
// opens them by itself: it would follow links out of a saved tree, and it reads
// the network namespace of the main thread.

// parseMemTotal returns the bytes of memory that /proc/meminfo tells, 0 for
// unknown.
func parseMemTotal(text string) uint64 {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kilobytes, _ := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 54)
			return kilobytes << 10
		}
	}
	return 0
}

// parseUptime reads /proc/uptime, 0 for unknown.
func parseUptime(text string) time.Duration {
	first, _, _ := strings.Cut(text, " ")
	seconds, err := strconv.ParseFloat(first, 64)
	if err != nil || seconds < 0 || seconds > 1e9 {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}

// parseSysctlList reads what sysctl -a prints.
func parseSysctlList(text string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, "="); ok && !strings.ContainsAny(strings.TrimSpace(key), " \t:") {
			values[SysctlKey(strings.TrimSpace(key))] = normalValue(value)
		}
	}
	return values
}
