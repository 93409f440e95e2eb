// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	procDir = "/proc"
	// Not /proc/self, which is the main thread: that may be parked in another
	// namespace for ever, as the Go runtime cannot end it.
	ownNetns  = "/proc/thread-self/ns/net"
	namedDir  = "/run/netns"
	dockerDir = "/var/run/docker/netns"
)

// places is where each network namespace was found, by its inode number.
type places map[uint32]place

// place is where a network namespace is.
type place struct {
	// paths are ways in, the likeliest to last first. A thread or an open file
	// may go while others keep the namespace alive.
	paths []string
	name  string // as ip netns knows it
	pid   int    // of the oldest process that lives there, mostly; 0 for none
}

const (
	// maxPaths bounds the ways that are remembered, maxLinks those of one
	// process's threads, or of its open files.
	maxPaths = 6
	maxLinks = 2
)

// first adds a path before all others.
func (p *place) first(path string) {
	if len(p.paths) > 0 && p.paths[0] == path {
		return
	}
	others := slices.DeleteFunc(slices.Clone(p.paths), func(other string) bool { return other == path })
	p.paths = append([]string{path}, others[:min(len(others), maxPaths-1)]...)
}

// last adds a path behind all others, if there is room.
func (p *place) last(path string) {
	if len(p.paths) < maxPaths && !slices.Contains(p.paths, path) {
		p.paths = append(slices.Clip(p.paths), path)
	}
}

// leadsTo says whether there still is a way to the namespace.
func (p *place) leadsTo(inum uint32) bool {
	return slices.ContainsFunc(p.paths, func(path string) bool { return leadsTo(path, inum) })
}

// scan finds the network namespaces of the named mounts, of every process, and
// of this process's own threads and descriptors. A deep scan also looks at the
// threads and descriptors of all other processes, which takes time in
// proportion to their number. What vanishes or may not be looked at during a
// scan is left out.
func scan(deep bool) places {
	found := places{}
	for _, name := range names(procDir) {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		found.addProcess(pid)
		if deep {
			found.addLinks(filepath.Join(procDir, name, "task"), "ns/net")
			found.addLinks(filepath.Join(procDir, name, "fd"), "")
		}
	}
	found.addLinks(procDir+"/self/task", "ns/net")
	found.addLinks(procDir+"/self/fd", "")
	found.addFixed()
	return found
}

// addFixed adds the namespaces that are found in fixed places.
func (p places) addFixed() {
	p.addMounts(dockerDir)
	p.addMounts(namedDir)
	if inum, ok := netnsLink(ownNetns); ok {
		p.addLink(ownNetns, inum)
	}
}

// addProcess adds the namespace of a process. /proc lists those in the order of
// their numbers, so that the first is mostly the one that was there first.
func (p places) addProcess(pid int) {
	path := fmt.Sprintf("%s/%d/ns/net", procDir, pid)
	inum, ok := netnsLink(path)
	if !ok {
		return
	}
	at := p[inum]
	if at.pid == 0 {
		at.pid = pid
		at.first(path)
	} else {
		at.last(path)
	}
	p[inum] = at
}

// addLinks adds the link below each entry of a directory, up to maxLinks to the
// same namespace.
func (p places) addLinks(dir, below string) {
	added := map[uint32]int{}
	for _, name := range names(dir) {
		path := filepath.Join(dir, name, below)
		if inum, ok := netnsLink(path); ok && added[inum] < maxLinks {
			added[inum]++
			p.addLink(path, inum)
		}
	}
}

// addLink adds a path below /proc that is a link to a network namespace.
func (p places) addLink(path string, inum uint32) {
	at := p[inum]
	at.last(path)
	p[inum] = at
}

// or adds the places that were known before, and further ways to those that were
// found again, as far as they are still right.
func (p places) or(before places) places {
	for inum, old := range before {
		at, again := p[inum]
		if !again {
			at = place{name: old.name, pid: old.pid}
		}
		for _, path := range old.paths {
			if leadsTo(path, inum) {
				at.last(path)
			}
		}
		if len(at.paths) > 0 {
			p[inum] = at
		}
	}
	return p
}

// leadsTo says whether a path is a link to a namespace or has it mounted.
func leadsTo(path string, inum uint32) bool {
	if now, ok := netnsLink(path); ok {
		return now == inum
	}
	now, ok := netnsMount(path)
	return ok && now == inum
}

func netnsLink(path string) (uint32, bool) {
	link, err := os.Readlink(path)
	if err != nil {
		return 0, false
	}
	return parseNetnsLink(link)
}

// addMounts adds the namespaces that are mounted on the files of a directory,
// which outlive their processes.
func (p places) addMounts(dir string) {
	for inum, name := range mounted(dir) {
		at := p[inum]
		at.first(filepath.Join(dir, name))
		if dir == namedDir {
			at.name = name
		}
		p[inum] = at
	}
}

// mounted lists the names of the namespaces that are mounted in a directory. A
// file on which nothing is mounted any more is not one of them.
func mounted(dir string) map[uint32]string {
	found := map[uint32]string{}
	for _, name := range names(dir) {
		path := filepath.Join(dir, name)
		if inum, ok := netnsMount(path); ok {
			found[inum] = name
		}
	}
	return found
}

func netnsMount(path string) (uint32, bool) {
	var fs unix.Statfs_t
	var st unix.Stat_t
	ok := unix.Statfs(path, &fs) == nil && fs.Type == unix.NSFS_MAGIC && unix.Stat(path, &st) == nil
	return uint32(st.Ino), ok
}

// names lists a directory, which may have vanished or be out of bounds.
func names(dir string) []string {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	found, _ := d.Readdirnames(-1) // what came before an error counts
	return found
}

// parseNetnsLink reads the inode number out of "net:[4026531840]".
func parseNetnsLink(link string) (uint32, bool) {
	digits, ok := strings.CutPrefix(link, "net:[")
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, "]")
	if !ok {
		return 0, false
	}
	inum, err := strconv.ParseUint(digits, 10, 32)
	return uint32(inum), err == nil
}
