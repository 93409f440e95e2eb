// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"strconv"
	"strings"
)

// TCPSockets is the TCP line of /proc/net/sockstat. Orphans and Pages are of the
// whole machine, the others of the namespace.
type TCPSockets struct {
	InUse    uint64 `json:"in_use"`
	Orphans  uint64 `json:"orphans"`
	TimeWait uint64 `json:"time_wait"`
	Pages    uint64 `json:"pages"` // of memory in buffers
}

// ParseSockstat reads the TCP line, nil where there is none.
func ParseSockstat(text string) *TCPSockets {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, "TCP:")
		if !ok {
			continue
		}
		s := &TCPSockets{}
		to := map[string]*uint64{"inuse": &s.InUse, "orphan": &s.Orphans, "tw": &s.TimeWait, "mem": &s.Pages}
		fields := strings.Fields(rest)
		for i := 0; i+1 < len(fields); i += 2 {
			if p := to[fields[i]]; p != nil {
				*p, _ = strconv.ParseUint(fields[i+1], 10, 64)
			}
		}
		return s
	}
	return nil
}
