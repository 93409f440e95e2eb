// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"strconv"
	"strings"
)

// netstatState is the column of the state in what netstat prints of TCP.
const netstatState = 5

// ParseNetstat reads the TCP listeners of what netstat prints of sockets. Of a
// listener Recv-Q is its accept queue, as netstat reads /proc/net/tcp; there is
// no limit of that. It returns how many of its lines are not understood.
func ParseNetstat(text string) (found []ListenerQueue, bad int) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) <= netstatState || fields[0] != "tcp" && fields[0] != "tcp6" || fields[netstatState] != "LISTEN" {
			continue
		}
		waiting, err := strconv.ParseUint(fields[1], 10, 32)
		addr, ok := parseSSAddr(fields[3])
		if err != nil || !ok {
			bad++
			continue
		}
		l := ListenerQueue{Addr: addr, Waiting: uint32(waiting)}
		l.takeNetstatOwner(fields[netstatState+1:])
		found = append(found, l)
	}
	return found, bad
}

// takeNetstatOwner reads the columns after the state, all of which may be
// missing: the user and the inode number, and the process as 812/nginx.
func (l *ListenerQueue) takeNetstatOwner(fields []string) {
	if len(fields) > 1 {
		if inode, err := strconv.ParseUint(fields[1], 10, 64); err == nil {
			l.Inode, fields = inode, fields[2:]
		}
	}
	if len(fields) == 0 {
		return
	}
	pid, program, ok := strings.Cut(fields[0], "/")
	if n, err := strconv.Atoi(pid); ok && err == nil && n > 0 {
		l.PID, l.Comm = n, strings.TrimSuffix(program, ":")
	}
}

// FillOwners gives the listeners of which the process is not known those of the
// others that listen on the same address.
func FillOwners(to, from []ListenerQueue) {
	for i := range to {
		for j := range from {
			if to[i].PID == 0 && to[i].Addr == from[j].Addr {
				to[i].Process = from[j].Process
			}
		}
	}
}
