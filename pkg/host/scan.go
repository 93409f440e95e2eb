// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"os"
	"path/filepath"
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

// place is one way into a network namespace.
type place struct {
	path string
	name string // as ip netns knows it
	pid  int    // of the oldest process that lives there, mostly; 0 for none
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
	found.addMounts(dockerDir)
	found.addMounts(namedDir)
	found.addLink(ownNetns)
	return found
}

// addProcess adds the namespace of a process. /proc lists those in the order of
// their numbers, so that the first is mostly the one that was there first.
func (p places) addProcess(pid int) {
	path := fmt.Sprintf("%s/%d/ns/net", procDir, pid)
	if inum, ok := netnsLink(path); ok && p[inum].pid == 0 {
		p[inum] = place{path: path, pid: pid}
	}
}

// addLinks adds the link below each entry of a directory.
func (p places) addLinks(dir, below string) {
	for _, name := range names(dir) {
		p.addLink(filepath.Join(dir, name, below))
	}
}

// addLink adds a path below /proc if it is a link to a network namespace that
// is not known yet.
func (p places) addLink(path string) {
	if inum, ok := netnsLink(path); ok && p[inum].path == "" {
		p[inum] = place{path: path}
	}
}

// or adds the places that were known before and are still right.
func (p places) or(before places) places {
	for inum, at := range before {
		if _, again := p[inum]; !again && leadsTo(at.path, inum) {
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
		at := place{path: filepath.Join(dir, name), pid: p[inum].pid}
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
