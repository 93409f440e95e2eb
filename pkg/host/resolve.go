// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxPID is the kernel's PID_MAX_LIMIT on 64-bit machines. The inode numbers of
// namespaces start far above it.
const maxPID = 1 << 22

// ResolveNetns returns the inode number of a network namespace that is given by
// its ip-netns name, a path, a process ID or the inode number itself, which may
// also be written net:[4026531840].
func ResolveNetns(spec string) (uint32, error) {
	if inum, ok := parseNetnsLink(spec); ok {
		return existing(inum)
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
		return resolvePath(fmt.Sprintf("%s/%d/ns/net", procDir, n), fmt.Sprintf("there is no process %d", n))
	}
	return existing(uint32(n))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func existing(inum uint32) (uint32, error) {
	if _, ok := scan(false)[inum]; ok {
		return inum, nil
	}
	if _, ok := scan(true)[inum]; ok {
		return inum, nil
	}
	return 0, fmt.Errorf("no network namespace has the inode number %d (lsns -t net lists them)", inum)
}

// resolvePath returns the inode number of the network namespace at path, or an
// error that says missing when there is nothing.
func resolvePath(path, missing string) (uint32, error) {
	fd, err := openNetns(path)
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

// openNetns opens a path that leads to a namespace, or did a moment ago: it
// never blocks on what else may be there.
func openNetns(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: path, Err: err}
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
