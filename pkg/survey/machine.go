// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"errors"
	"fmt"
	"slices"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
	"golang.org/x/sys/unix"
)

// Machine is what a capture says of the machine that it was taken on.
type Machine struct {
	Name   string // as uname -n
	Kernel string // as uname -r
	// Netns is the inode number of this process's network namespace.
	Netns uint32
	// Inner tells that this is not the machine's first.
	Inner bool
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
	own, ok := netns.Own()
	if !ok {
		return Machine{}, errors.New("find own network namespace: " + netns.OwnPath + " is no link to one")
	}
	m.Netns = own
	core := running.list("/proc/sys/net/core")
	m.Inner = len(core) > 0 && !slices.Contains(core, wholeMachine)
	if text, err := running.read(proc.Dir + "/meminfo"); err == nil {
		m.Memory = parseMemTotal(text)
	}
	return m, nil
}
