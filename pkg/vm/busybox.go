// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// busyboxPaths are where distributions put a static busybox.
var busyboxPaths = []string{"/bin/busybox", "/usr/bin/busybox", "/usr/lib/busybox/bin/busybox"}

// addBusybox adds a static busybox and a link for each of its applets: the host's, or
// the one that was fetched with the kernel of a foreign platform. Without one the
// guest has no shell, which is no error.
func (fs *initramfs) addBusybox(p *platform, fetched string) error {
	program := fetched
	if p.native() {
		program = firstExisting(busyboxPaths...)
	}
	if program == "" {
		return nil
	}
	data, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	if checkStatic(program, data) != nil || p.check(program, data) != nil {
		return nil
	}
	applets := embeddedApplets(data)
	if p.native() {
		list, err := exec.Command(program, "--list").Output()
		if err != nil {
			return fmt.Errorf("list busybox's applets: %w", err)
		}
		applets = strings.Fields(string(list))
	}
	fs.file("/bin/busybox", data, 0o755)
	for _, applet := range applets {
		if applet != "modprobe" && applet != "busybox" && applet != "init" {
			fs.symlink("/bin/"+applet, "busybox")
		}
	}
	return nil
}

// embeddedApplets reads the applets' names out of a busybox that this host cannot
// run: NUL-terminated, in order, the first two being [ and [[ and the last followed
// by an empty one (applet_names in include/applet_tables.h, which its build makes).
func embeddedApplets(program []byte) []string {
	start := bytes.Index(program, []byte("[\x00[[\x00"))
	if start < 0 {
		return []string{"sh"}
	}
	names, _, _ := bytes.Cut(program[start:], []byte{0, 0})
	return strings.Split(string(names), "\x00")
}
