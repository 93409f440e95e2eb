// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/synwatch/synwatch/pkg/proc"
	"golang.org/x/sys/unix"
)

// maxPID is the kernel's PID_MAX_LIMIT on 64-bit machines. The inode numbers of
// namespaces start far above it.
const maxPID = 1 << 22

// Resolve returns the inode number of a network namespace that is given by
// its ip-netns name, a path, a process ID or the inode number itself, which may
// also be written net:[4026531840].
func Resolve(spec string) (uint32, error) {
	if inode, ok := parseLink(spec); ok {
		return existing(inode)
	}
	if strings.Contains(spec, "/") {
		return resolvePath(spec, "no such file")
	}
	if named := filepath.Join(namedDir, spec); spec != "" && exists(named) {
		return resolvePath(named, "")
	}
	n, err := strconv.ParseUint(spec, 10, 32)
	switch {
	case err != nil:
		return 0, fmt.Errorf("no network namespace is named %q (ip netns list shows the names)", spec)
	case n <= maxPID:
		return resolvePath(fmt.Sprintf("%s/%d/ns/net", proc.Dir, n), fmt.Sprintf("there is no process %d", n))
	}
	return existing(uint32(n))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func existing(inode uint32) (uint32, error) {
	if _, ok := Discover(false)[inode]; ok {
		return inode, nil
	}
	if _, ok := Discover(true)[inode]; ok {
		return inode, nil
	}
	return 0, fmt.Errorf("no network namespace has the inode number %d (lsns -t net lists them)", inode)
}

// resolvePath returns the inode number of the network namespace at path, or an
// error that says missing when there is nothing.
func resolvePath(path, missing string) (uint32, error) {
	fd, err := open(path)
	if errors.Is(err, fs.ErrNotExist) && missing != "" {
		return 0, errors.New(missing)
	}
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	kind, err := unix.IoctlRetInt(fd, unix.NS_GET_NSTYPE)
	if err != nil || kind != unix.CLONE_NEWNET {
		return 0, fmt.Errorf("%s is not a network namespace", path)
	}
	return inodeOf(fd)
}
