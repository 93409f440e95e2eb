// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"io/fs"
	"slices"

	"golang.org/x/sys/unix"
)

// readProc reads a file of /proc that is read again and again. os.ReadFile
// takes twice as many system calls: it asks epoll first, and begins with a small
// buffer, as such a file has no size.
func readProc(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	text := make([]byte, 0, 8<<10)
	for {
		n, err := unix.Read(fd, text[len(text):cap(text)])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return "", &fs.PathError{Op: "read", Path: path, Err: err}
		case n == 0:
			return string(text), nil
		default:
			text = slices.Grow(text[:len(text)+n], 4<<10)
		}
	}
}
