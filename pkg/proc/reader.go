// SPDX-License-Identifier: Apache-2.0

package proc

import (
	"errors"
	"io/fs"
	"slices"

	"golang.org/x/sys/unix"
)

// Reader reads files of /proc that are read again and again. os.ReadFile
// takes twice as many system calls: it asks epoll first, and begins with a small
// buffer, as such a file has no size.
type Reader struct{ buffer []byte }

// Read returns what a file holds.
func (r *Reader) Read(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	text := r.buffer[:0]
	for {
		text = slices.Grow(text, 4<<10)
		n, err := unix.Read(fd, text[len(text):cap(text)])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return "", &fs.PathError{Op: "read", Path: path, Err: err}
		case n == 0:
			r.buffer = text
			return string(text), nil
		default:
			text = text[:len(text)+n]
		}
	}
}
