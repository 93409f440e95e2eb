// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/synwatch/synwatch/pkg/proc"
)

// What ss prints of a socket beside its columns.
var (
	// ssUser is each of users:(("nginx",pid=812,fd=6),...), or of the older
	// users:(("nginx",812,6),...).
	ssUser  = regexp.MustCompile(`\("([^"]*)",(?:pid=)?(\d+),`)
	ssInode = regexp.MustCompile(`\sino:(\d+)(?:\s|$)`)
	ssGroup = regexp.MustCompile(`\scgroup:(\S+)`)
	// ssDrops is the last of skmem, SK_MEMINFO_DROPS, which kernels before 4.11 do
	// not tell.
	ssDrops = regexp.MustCompile(`skmem:\([^)]*,d(\d+)\)`)
)

// ParseSS reads the TCP listeners of what ss prints with or without a column
// for the kind of socket. Of a listener Recv-Q is its accept queue and Send-Q
// the limit of that. It returns how many of its lines are not understood.
func ParseSS(text string) (found []ListenerQueue, bad int) {
	last := -1
	for line := range strings.Lines(text) {
		if more := strings.TrimLeft(line, " \t"); more != line && !strings.Contains(more, "LISTEN") {
			if last >= 0 { // ss puts memory and the like on a line of its own
				found[last].takeSSDetails(line)
			}
			continue
		}
		last = -1
		l, listens, ok := parseSSLine(line)
		switch {
		case ok:
			last = len(found)
			found = append(found, l)
		case listens:
			bad++
		}
	}
	forgetLimits(found)
	return found, bad
}

// parseSSLine reads a line and says whether it is a TCP listener's.
func parseSSLine(line string) (l ListenerQueue, listens, ok bool) {
	fields := strings.Fields(line)
	at := slices.Index(fields, "LISTEN")
	if at < 0 || at > 1 || at == 1 && fields[0] != "tcp" {
		return l, false, false
	}
	if len(fields) < at+4 {
		return l, true, false
	}
	waiting, err1 := strconv.ParseUint(fields[at+1], 10, 32)
	limit, err2 := strconv.ParseUint(fields[at+2], 10, 32)
	addr, ok := parseSSAddr(fields[at+3])
	if err1 != nil || err2 != nil || !ok {
		return l, true, false
	}
	most := uint32(limit)
	l = ListenerQueue{Addr: addr, Waiting: uint32(waiting), Limit: &most}
	l.takeSSDetails(line)
	return l, true, true
}

// takeSSDetails reads what comes after the columns, or on the next line.
func (l *ListenerQueue) takeSSDetails(line string) {
	if _, users, ok := strings.Cut(line, "users:("); ok {
		l.takeSSUsers(users)
	}
	if m := ssInode.FindStringSubmatch(line); m != nil {
		l.Inode, _ = strconv.ParseUint(m[1], 10, 64)
	}
	if m := ssGroup.FindStringSubmatch(line); m != nil {
		l.Container, l.Unit = proc.ParseGroup(m[1])
	}
	if m := ssDrops.FindStringSubmatch(line); m != nil {
		if drops, err := strconv.ParseUint(m[1], 10, 64); err == nil {
			l.Drops = &drops
		}
	}
}

// takeSSUsers takes the process with the lowest number, which mostly is the parent
// of the others, and not systemd, which has the sockets of its units open for ever.
func (l *ListenerQueue) takeSSUsers(users string) {
	for _, m := range ssUser.FindAllStringSubmatch(users, -1) {
		pid, err := strconv.Atoi(m[2])
		if err == nil && (l.PID <= 1 || pid > 1 && pid < l.PID) {
			l.PID, l.Comm = pid, m[1]
		}
	}
}

// forgetLimits makes the limits unknown where none is told: without tcp_diag ss
// reads /proc/net/tcp, which has none, and prints 0.
func forgetLimits(found []ListenerQueue) {
	if slices.ContainsFunc(found, func(l ListenerQueue) bool { return *l.Limit != 0 }) {
		return
	}
	for i := range found {
		found[i].Limit = nil
	}
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
