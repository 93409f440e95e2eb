// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"regexp"
	"strconv"
	"strings"
)

// netstatWords are the sentences in which netstat -s prints counters, in small
// letters and without their number, by section. Versions of net-tools differ in
// some.
var netstatWords = map[string]map[string]string{
	"Ip": {
		"with invalid headers":             "InHdrErrors",
		"with invalid addresses":           "InAddrErrors",
		"forwarded":                        "ForwDatagrams",
		"dropped because of missing route": "OutNoRoutes",
		"fragments failed":                 "FragFails",
	},
	"Tcp": {
		"active connections openings": "ActiveOpens",
		"active connection openings":  "ActiveOpens",
		"passive connection openings": "PassiveOpens",
		"failed connection attempts":  "AttemptFails",
		"connection resets received":  "EstabResets",
		"connections established":     "CurrEstab",
		"segments received":           "InSegs",
		"segments send out":           "OutSegs",
		"segments sent out":           "OutSegs",
		"segments retransmited":       "RetransSegs",
		"segments retransmitted":      "RetransSegs",
		"bad segments received.":      "InErrs",
		"bad segments received":       "InErrs",
		"resets sent":                 "OutRsts",
		"incsumerrors":                "InCsumErrors",
	},
	"TcpExt": {
		"syn cookies sent":                                                         "SyncookiesSent",
		"syn cookies received":                                                     "SyncookiesRecv",
		"invalid syn cookies received":                                             "SyncookiesFailed",
		"resets received for embryonic syn_recv sockets":                           "EmbryonicRsts",
		"packets pruned from receive queue because of socket buffer overrun":       "PruneCalled",
		"packets pruned from receive queue":                                        "RcvPruned",
		"packets dropped from out-of-order queue because of socket buffer overrun": "OfoPruned",
		"tcp sockets finished time wait in fast timer":                             "TW",
		"time wait sockets recycled by time stamp":                                 "TWRecycled",
		"tcp sockets finished time wait in slow timer":                             "TWKilled",
		"passive connections rejected because of time stamp":                       "PAWSPassive",
		"active connections rejected because of time stamp":                        "PAWSActive",
		"packets rejects in established connections because of timestamp":          "PAWSEstab",
		"packets rejected in established connections because of timestamp":         "PAWSEstab",
		"times the listen queue of a socket overflowed":                            "ListenOverflows",
		"syns to listen sockets dropped":                                           "ListenDrops",
		"syns to listen sockets ignored":                                           "ListenDrops",
		"packets collapsed in receive queue due to low socket buffer":              "TCPRcvCollapsed",
		"connections aborted due to memory pressure":                               "TCPAbortOnMemory",
		"tcp ran low on memory times":                                              "TCPMemoryPressures",
		"icmp packets dropped because they were out-of-window":                     "OutOfWindowIcmps",
		"icmp packets dropped because socket was locked":                           "LockDroppedIcmps",
	},
}

var (
	aNumber = regexp.MustCompile(`(^|\s)(\d+)(\s|$)`)
	// Counters that net-tools has no sentence for are shown by their names.
	byName = regexp.MustCompile(`^(\w+): (\d+)$`)
)

// ParseNetstat reads what netstat -s prints. It leaves out a counter that is
// zero, and the counters for which it has no words are ignored here.
func ParseNetstat(text string) Values {
	values := Values{}
	section := ""
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if trimmed != "" && !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t") && strings.HasSuffix(trimmed, ":") {
			section = strings.TrimSuffix(trimmed, ":")
			continue
		}
		name, n, ok := parseNetstatLine(section, trimmed)
		if ok {
			values[section+name] = n
		}
	}
	return values
}

func parseNetstatLine(section, line string) (name string, n uint64, ok bool) {
	if m := byName.FindStringSubmatch(line); m != nil {
		n, err := strconv.ParseUint(m[2], 10, 64)
		return m[1], n, err == nil && section != ""
	}
	at := aNumber.FindStringSubmatchIndex(line)
	if at == nil {
		return "", 0, false
	}
	n, err := strconv.ParseUint(line[at[4]:at[5]], 10, 64)
	words := strings.Join(strings.Fields(line[:at[4]]+" "+line[at[5]:]), " ")
	name, known := netstatWords[section][strings.ToLower(words)]
	return name, n, err == nil && known
}
