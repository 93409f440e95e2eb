// SPDX-License-Identifier: Apache-2.0

// Package proc reads /proc: its files, its directories and who a process is.
package proc

import (
	"os"
	"path/filepath"
)

// Dir is where the proc file system is mounted.
const Dir = "/proc"

// ThreadDir returns the calling thread's directory in /proc, in which net is that
// of its network namespace. The link has the numbers of the PID namespace that
// /proc was mounted in.
func ThreadDir() (string, error) {
	self, err := os.Readlink(Dir + "/thread-self")
	return filepath.Join(Dir, self), err
}

// List returns the names in a directory, which may have vanished or may not be
// read.
func List(dir string) []string {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	found, _ := d.Readdirnames(-1) // what came before an error counts
	return found
}
