// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"debug/elf"
	"fmt"
	"os/exec"
	"runtime"
)

// platform is what machines of one architecture differ in. The architecture's name
// is Go's and, for these, Debian's too.
type platform struct {
	arch     string
	elf      elf.Machine
	emulator string // QEMU's program for it
	install  string // how to come by the emulator
	machine  string // QEMU's -M
	tcg      string // QEMU's -cpu when it emulates
	console  string // the kernel's name for the first serial port
	// serial says that there are four serial ports, so that a kernel without virtio
	// can be run. Otherwise all but the console is virtio.
	serial bool
	// cmdline are words for the kernel, tcgCmdline those for one that is emulated.
	cmdline, tcgCmdline []string
}

var platforms = []platform{
	{
		arch: "amd64", elf: elf.EM_X86_64, emulator: "qemu-system-x86_64",
		install: "qemu-system-x86 (Fedora: qemu-system-x86-core)",
		machine: "pc", console: "ttyS0", serial: true,
		// cmpxchg16b, emulated on several threads, now and then corrupts SLUB's free
		// lists and oopses the guest.
		tcg:        "max,cx16=off",
		cmdline:    []string{"8250.nr_uarts=4"},
		tcgCmdline: []string{"no_timer_check", "tsc=nowatchdog"},
	},
	{
		arch: "arm64", elf: elf.EM_AARCH64, emulator: "qemu-system-aarch64",
		install: "qemu-system-arm (Fedora: qemu-system-aarch64-core)",
		machine: "virt,gic-version=3", console: "ttyAMA0",
		// Pointer authentication's own algorithm is slow to emulate, and nothing here
		// needs it.
		tcg: "max,pauth=off",
	},
}

// platformOf finds a platform by its architecture.
func platformOf(arch string) (*platform, error) {
	for i := range platforms {
		if platforms[i].arch == arch {
			return &platforms[i], nil
		}
	}
	return nil, fmt.Errorf("no machine for the architecture %s", arch)
}

// defaultArch is the architecture of a kernel that does not say.
const defaultArch = "amd64"

// native says whether this host runs the platform's programs itself.
func (p *platform) native() bool { return p.arch == runtime.GOARCH }

// find returns the emulator's path, or says in one line how to come by it.
func (p *platform) find() (string, error) {
	path, err := exec.LookPath(p.emulator)
	if err != nil {
		return "", fmt.Errorf("%s is not in PATH: install the package %s", p.emulator, p.install)
	}
	return path, nil
}

// CanRun returns nil if this host has the emulator that the kernel needs, and
// otherwise says which package is missing.
func CanRun(k Kernel) error {
	p, err := platformOf(k.Architecture())
	if err != nil {
		return err
	}
	_, err = p.find()
	return err
}
