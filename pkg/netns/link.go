// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// OwnPath is a link to the calling thread's network namespace. It is not in
// /proc/self, which is the main thread: that may be parked in another namespace
// for ever, as the Go runtime cannot end it.
const OwnPath = "/proc/thread-self/ns/net"

// Own returns the inode number of the calling thread's network namespace.
func Own() (inode uint32, ok bool) { return linkInode(OwnPath) }

// leadsTo says whether a path is a link to a namespace or has it mounted.
func leadsTo(path string, inode uint32) bool {
	if now, ok := linkInode(path); ok {
		return now == inode
	}
	now, ok := mountInode(path)
	return ok && now == inode
}

func linkInode(path string) (uint32, bool) {
	link, err := os.Readlink(path)
	if err != nil {
		return 0, false
	}
	return parseLink(link)
}

// parseLink reads the inode number out of "net:[4026531840]".
func parseLink(link string) (uint32, bool) {
	digits, ok := strings.CutPrefix(link, "net:[")
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, "]")
	if !ok {
		return 0, false
	}
	inode, err := strconv.ParseUint(digits, 10, 32)
	return uint32(inode), err == nil
}

func mountInode(path string) (uint32, bool) {
	var fs unix.Statfs_t
	var st unix.Stat_t
	ok := unix.Statfs(path, &fs) == nil && fs.Type == unix.NSFS_MAGIC && unix.Stat(path, &st) == nil
	return uint32(st.Ino), ok
}

// open opens a path that leads to a namespace, or did a moment ago: it never
// blocks on what else may be there.
func open(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

// openInode opens a path that leads to the namespace with this inode number.
func openInode(path string, inode uint32) (int, error) {
	fd, err := open(path)
	if err != nil {
		return -1, err
	}
	if now, err := inodeOf(fd); err != nil || now != inode {
		unix.Close(fd)
		return -1, fmt.Errorf("%s no longer leads to network namespace %d", path, inode)
	}
	return fd, nil
}

func inodeOf(fd int) (uint32, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, fmt.Errorf("stat network namespace: %w", err)
	}
	return uint32(st.Ino), nil
}
