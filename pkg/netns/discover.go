// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/synwatch/synwatch/pkg/proc"
)

const (
	namedDir  = "/run/netns"
	dockerDir = "/var/run/docker/netns"
)

// Discover finds the network namespaces of the named mounts, of every process, and
// of this process's own threads and descriptors. A deep search also looks at the
// threads and descriptors of all other processes, which takes time in
// proportion to their number. What vanishes or may not be looked at during a
// search is left out.
func Discover(deep bool) Locations {
	found := Locations{}
	if !found.ask(deep) {
		found.search(deep)
	}
	found.addLinks(proc.Dir+"/self/task", "ns/net")
	found.addLinks(proc.Dir+"/self/fd", "")
	found.addFixed()
	return found
}

// search reads /proc.
func (ls Locations) search(deep bool) {
	for _, name := range proc.List(proc.Dir) {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		ls.addProcess(pid)
		if deep {
			ls.addLinks(filepath.Join(proc.Dir, name, "task"), "ns/net")
			ls.addLinks(filepath.Join(proc.Dir, name, "fd"), "")
		}
	}
}

// addFixed adds the namespaces that are found in fixed places.
func (ls Locations) addFixed() {
	ls.addMounts(dockerDir)
	ls.addMounts(namedDir)
	if inode, ok := linkInode(OwnPath); ok {
		ls.addLink(OwnPath, inode)
	}
}

// addProcess adds the namespace of a process. /proc lists those in the order of
// their numbers, so that the first is mostly the one that was there first.
func (ls Locations) addProcess(pid int) {
	path := fmt.Sprintf("%s/%d/ns/net", proc.Dir, pid)
	inode, ok := linkInode(path)
	if !ok {
		return
	}
	at := ls[inode]
	if at.pid == 0 {
		at.pid = pid
		at.prepend(path)
	} else {
		at.append(path)
	}
	ls[inode] = at
}

// addLinks adds the link below each entry of a directory, up to maxLinks to the
// same namespace.
func (ls Locations) addLinks(dir, below string) {
	added := map[uint32]int{}
	for _, name := range proc.List(dir) {
		path := filepath.Join(dir, name, below)
		if inode, ok := linkInode(path); ok && added[inode] < maxLinks {
			added[inode]++
			ls.addLink(path, inode)
		}
	}
}

// addLink adds a path below /proc that is a link to a network namespace.
func (ls Locations) addLink(path string, inode uint32) {
	at := ls[inode]
	at.append(path)
	ls[inode] = at
}

// addMounts adds the namespaces that are mounted on the files of a directory,
// which outlive their processes.
func (ls Locations) addMounts(dir string) {
	for inode, name := range mounted(dir) {
		at := ls[inode]
		at.prepend(filepath.Join(dir, name))
		if dir == namedDir {
			at.name = name
		}
		ls[inode] = at
	}
}

// mounted lists the names of the namespaces that are mounted in a directory. A
// file on which nothing is mounted any more is not one of them.
func mounted(dir string) map[uint32]string {
	found := map[uint32]string{}
	for _, name := range proc.List(dir) {
		path := filepath.Join(dir, name)
		if inode, ok := mountInode(path); ok {
			found[inode] = name
		}
	}
	return found
}
