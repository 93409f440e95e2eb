// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// pollInThread has the kernel poll the server's device in a thread of its own, in place
// of a softirq that interrupts any task (since 5.12). The kernel of a sandbox may run no
// program in the tasks of its agent: on one of 6.18, of 23 switches away from tasks of
// process 1 a program of sched_switch saw none, and one of kfree_skb no packet that a
// softirq freed on top of these.
func (f *floods) pollInThread() {
	f.t.Helper()
	if err := f.lab.ServerDo(func() error { return setDevice("threaded", "1") }); err != nil {
		f.t.Fatal(err)
	}
}

// setDevice sets an attribute of the server's device. It must be called from a thread in
// the namespace that is not used again.
func setDevice(attribute, value string) error {
	// A sysfs shows the network namespace that it was mounted in.
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("new mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
		return fmt.Errorf("mount sysfs: %w", err)
	}
	return os.WriteFile(filepath.Join("/sys/class/net/veth0", attribute), []byte(value), 0)
}
