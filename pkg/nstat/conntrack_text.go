// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"strconv"
	"strings"
)

// conntrackNames are the counters that conntrack -S and
// /proc/net/stat/nf_conntrack name differently, by the first
// (net/netfilter/nf_conntrack_standalone.c:ct_cpu_seq_show).
var conntrackNames = map[string]string{"error": "icmp_error", "clash_resolve": "clashres", "chaintoolong": "chainlength"}

// ParseConntrackStats reads what conntrack -S prints: a line a CPU, or, until
// conntrack-tools 1.0, a counter a line. The values are those of all CPUs and
// have the names of /proc/net/stat/nf_conntrack behind the word Conntrack. It
// returns how many of the lines are not understood.
func ParseConntrackStats(text string) (values Values, bad int) {
	values = Values{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case strings.HasPrefix(fields[0], "cpu="):
			if !values.addConntrack(fields[1:]) {
				bad++
			}
		case len(fields) == 2 && values.addConntrack([]string{fields[0] + "=" + fields[1]}):
		default:
			bad++
		}
	}
	return values, bad
}

// addConntrack adds the counters of a CPU, all or, if one is not understood, none.
func (v Values) addConntrack(words []string) bool {
	cpu := Values{}
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		n, err := strconv.ParseUint(value, 10, 64)
		if !ok || err != nil {
			return false
		}
		if known := conntrackNames[name]; known != "" {
			name = known
		}
		cpu["Conntrack"+name] = n
	}
	for name, n := range cpu {
		v[name] += n
	}
	return true
}
