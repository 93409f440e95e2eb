// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ssUser is the first of users:(("nginx",pid=812,fd=6),...), or of the older
// users:(("nginx",812,6),...).
var ssUser = regexp.MustCompile(`users:\(\("([^"]*)",(?:pid=)?(\d+),`)

// ParseSS reads the TCP listeners of what ss prints with or without a column
// for the kind of socket. Of a listener Recv-Q is its accept queue and Send-Q
// the limit of that.
func ParseSS(text string) []ListenerQueue {
	var found []ListenerQueue
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		at := slices.Index(fields, "LISTEN")
		if at < 0 || at > 1 || at == 1 && fields[0] != "tcp" || len(fields) < at+4 {
			continue
		}
		waiting, err1 := strconv.ParseUint(fields[at+1], 10, 32)
		limit, err2 := strconv.ParseUint(fields[at+2], 10, 32)
		addr, ok := parseSSAddr(fields[at+3])
		if err1 != nil || err2 != nil || !ok {
			continue
		}
		most := uint32(limit)
		l := ListenerQueue{Addr: addr, Waiting: uint32(waiting), Limit: &most}
		if m := ssUser.FindStringSubmatch(line); m != nil {
			l.Comm = m[1]
			l.PID, _ = strconv.Atoi(m[2])
		}
		found = append(found, l)
	}
	return found
}

// parseSSAddr reads *:80, 0.0.0.0:80, [::]:80, :::80 or 10.0.0.1%eth0:80.
func parseSSAddr(s string) (netip.AddrPort, bool) {
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 {
		return netip.AddrPort{}, false
	}
	port, err := strconv.ParseUint(s[colon+1:], 10, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	host := strings.Trim(s[:colon], "[]")
	host, _, _ = strings.Cut(host, "%")
	addr := netip.IPv6Unspecified()
	if host != "*" {
		if addr, err = netip.ParseAddr(host); err != nil {
			return netip.AddrPort{}, false
		}
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), true
}
