// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"regexp"
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

// The parts of what uptime prints after the word "up".
var (
	upDays    = regexp.MustCompile(`^(\d+) days?`)
	upHours   = regexp.MustCompile(`^(\d+):(\d\d)$`)
	upMinutes = regexp.MustCompile(`^(\d+) min`)
	upWeeks   = regexp.MustCompile(`^(\d+) weeks?`)
	upYears   = regexp.MustCompile(`^(\d+) years?`)
	upHour    = regexp.MustCompile(`^(\d+) hours?`)
)

// parseUptimeText reads what uptime prints, " 10:11:12 up 90 days,  3:02,  2 users,
// load average: ...", or uptime -p, 0 for unknown.
func parseUptimeText(text string) time.Duration {
	_, up, ok := strings.Cut(" "+strings.TrimSpace(text), " up ")
	if !ok {
		return 0
	}
	const day = 24 * time.Hour
	var sum time.Duration
	up = strings.NewReplacer("days ", "days,", "day ", "day,").Replace(up) // as SUSE's has no comma there
	for part := range strings.SplitSeq(up, ",") {
		part = strings.TrimSpace(part)
		for _, unit := range []struct {
			re  *regexp.Regexp
			one time.Duration
		}{{upYears, 365 * day}, {upWeeks, 7 * day}, {upDays, day}, {upHour, time.Hour}, {upHours, time.Hour}, {upMinutes, time.Minute}} {
			m := unit.re.FindStringSubmatch(part)
			if m == nil {
				continue
			}
			n, err := strconv.ParseUint(m[1], 10, 15) // a hundred years and more
			if err != nil {
				return 0
			}
			sum += time.Duration(n) * unit.one
			if len(m) > 2 {
				minutes, _ := strconv.Atoi(m[2]) // two digits
				sum += time.Duration(minutes) * time.Minute
			}
			break
		}
	}
	return sum
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
