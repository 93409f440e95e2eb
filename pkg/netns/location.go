// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"
	"os"
	"slices"
)

// Locations is where each network namespace was found, by its inode number.
type Locations map[uint32]Location

// Location is where a network namespace is found.
type Location struct {
	// paths lead to it, the likeliest to last first. A thread or an open file may
	// go while others keep the namespace alive.
	paths []string
	name  string // as ip netns knows it
	pid   int    // of the oldest process in it, mostly; 0 for none
	own   bool   // the process's own
	// cookie is that of ID, as far as a Census told it.
	cookie uint64
}

// Cookie is the namespace's as in ID, 0 where it is not known without entering it.
func (l *Location) Cookie() uint64 { return l.cookie }

const (
	// maxPaths bounds the paths that are remembered, maxLinks those of one
	// process's threads, or of its open files.
	maxPaths = 6
	maxLinks = 2
	// maxResidents bounds the paths that are taken from a Census.
	maxResidents = 3
)

// prepend adds a path before all others.
func (l *Location) prepend(path string) {
	if len(l.paths) > 0 && l.paths[0] == path {
		return
	}
	others := slices.DeleteFunc(slices.Clone(l.paths), func(other string) bool { return other == path })
	l.paths = append([]string{path}, others[:min(len(others), maxPaths-1)]...)
}

// append adds a path behind all others, if there is room.
func (l *Location) append(path string) {
	if len(l.paths) < maxPaths && !slices.Contains(l.paths, path) {
		l.paths = append(slices.Clip(l.paths), path)
	}
}

// LeadsTo says whether a namespace with this inode number still is there.
func (l *Location) LeadsTo(inode uint32) bool {
	return slices.ContainsFunc(l.paths, func(path string) bool { return leadsTo(path, inode) })
}

// Open opens the namespace with this inode number if it still is there.
func (l *Location) Open(inode uint32) (*os.File, error) {
	err := fmt.Errorf("network namespace %d is gone", inode)
	for _, path := range l.paths {
		var fd int
		if fd, err = openInode(path, inode); err == nil {
			return os.NewFile(uintptr(fd), path), nil
		}
	}
	return nil, err
}

// EnterCommand is the beginning of a command line that runs the rest of it in the
// namespace, argument by argument; nil for the process's own.
func (l *Location) EnterCommand() []string {
	switch {
	case l.own:
		return nil
	case l.name != "":
		return []string{"ip", "netns", "exec", l.name}
	case l.pid != 0:
		return EnterProcess(l.pid)
	case len(l.paths) > 0:
		return []string{"nsenter", "--net=" + l.paths[0]}
	}
	return nil
}

// EnterProcess is EnterCommand for the namespace of a process.
func EnterProcess(pid int) []string { return []string{"nsenter", "-t", fmt.Sprint(pid), "-n"} }

// OrKnown adds the locations that were known before, and further paths to those
// that were found again, as far as they still lead there.
func (ls Locations) OrKnown(before Locations) Locations {
	for inode, old := range before {
		at, again := ls[inode]
		if !again {
			at = Location{name: old.name, pid: old.pid, cookie: old.cookie}
		}
		counted := again && at.cookie != 0 && at.cookie == old.cookie
		for _, path := range old.paths {
			// To look at each again would cost more than a census.
			if counted || leadsTo(path, inode) {
				at.append(path)
			}
		}
		if len(at.paths) > 0 {
			ls[inode] = at
		}
	}
	return ls
}
