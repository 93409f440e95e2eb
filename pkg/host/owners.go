// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// owners maps the inode number of a socket to the processes that have it open.
type owners map[uint64][]int

// findOwners looks through the open files of all processes that it may look at
// for the sockets with these inode numbers.
func findOwners(proc string, inodes map[uint64]bool) owners {
	found := owners{}
	for _, name := range names(proc) {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		dir := filepath.Join(proc, name, "fd")
		for _, fd := range names(dir) {
			link, err := os.Readlink(filepath.Join(dir, fd))
			if err != nil {
				continue
			}
			inode, ok := parseSocketLink(link)
			if ok && inodes[inode] && !slices.Contains(found[inode], pid) {
				found[inode] = append(found[inode], pid)
			}
		}
	}
	return found
}

// parseSocketLink reads the inode number out of "socket:[1681]".
func parseSocketLink(link string) (uint64, bool) {
	digits, ok := strings.CutPrefix(link, "socket:[")
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, "]")
	if !ok {
		return 0, false
	}
	inode, err := strconv.ParseUint(digits, 10, 64)
	return inode, err == nil
}

// of lists the processes that have one of the sockets open, without those that
// only keep them: systemd has the sockets of its units open for ever.
func (o owners) of(sockets []socket) []int {
	var pids []int
	for _, s := range sockets {
		pids = append(pids, o[s.inode]...)
	}
	slices.Sort(pids)
	pids = slices.Compact(pids)
	if len(pids) > 1 && pids[0] == 1 {
		pids = pids[1:]
	}
	return pids
}
