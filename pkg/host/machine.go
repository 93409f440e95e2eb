// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Machine is what a capture says of the machine that it was taken on.
type Machine struct {
	Name   string // as uname -n
	Kernel string // as uname -r
	// Netns is the inode number of this process's network namespace.
	Netns uint32
	// Memory is in bytes, 0 for unknown.
	Memory uint64
}

// ThisMachine describes the machine that the process runs on.
func ThisMachine() (Machine, error) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return Machine{}, fmt.Errorf("uname: %w", err)
	}
	m := Machine{Name: unix.ByteSliceToString(uts.Nodename[:]), Kernel: unix.ByteSliceToString(uts.Release[:])}
	link, err := os.Readlink(ownNetns)
	if err != nil {
		return Machine{}, fmt.Errorf("find own network namespace: %w", err)
	}
	m.Netns, _ = parseNetnsLink(link)
	if text, err := Running.read(procDir + "/meminfo"); err == nil {
		m.Memory = parseMemTotal(text)
	}
	return m, nil
}
