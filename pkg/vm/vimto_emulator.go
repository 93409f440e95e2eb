// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// vimto has no option for QEMU's own, and what it asks for does not boot reliably under
// emulation: on a busy host the kernel finds no timer and panics. So vimto finds this
// program under QEMU's name in PATH, which starts QEMU with what the project's own
// machines have.

// wrapEmulator makes a directory in which this program has the emulator's name.
func wrapEmulator(p *platform) (dir string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("wrap %s: %w", p.emulator, err)
	}
	if dir, err = os.MkdirTemp("", "vm-"); err != nil {
		return "", fmt.Errorf("wrap %s: %w", p.emulator, err)
	}
	return dir, os.Symlink(self, filepath.Join(dir, p.emulator))
}

// IsEmulator says whether this program was started in the place of QEMU.
func IsEmulator() bool { return wrappedPlatform() != nil }

func wrappedPlatform() *platform {
	at := slices.IndexFunc(platforms, func(p platform) bool { return p.emulator == filepath.Base(os.Args[0]) })
	if at < 0 {
		return nil
	}
	return &platforms[at]
}

// EmulatorMain starts QEMU in the place of this program. It returns only an error.
func EmulatorMain() error {
	p := wrappedPlatform()
	_, path, _ := strings.Cut(os.Getenv("PATH"), ":") // without the wrapper's
	os.Setenv("PATH", path)
	emulator, err := exec.LookPath(p.emulator)
	if err != nil {
		return err
	}
	return syscall.Exec(emulator, append([]string{emulator}, p.emulated(os.Args[1:])...), os.Environ())
}

// emulated are QEMU's arguments with the processor and the words for the kernel that an
// emulated machine has. What init gets is at the end of those.
func (p *platform) emulated(args []string) []string {
	args = slices.Clone(args)
	for i := 1; i < len(args); i++ {
		switch args[i-1] {
		case "-cpu":
			args[i] = p.tcg
		case "-append":
			args[i] = strings.Join(append(p.tcgWords(), args[i]), " ")
		}
	}
	return args
}

// tcgWords are words for a kernel that is emulated: mitigations cost an emulator much
// and protect nothing, and its clocks drift apart when the host is busy.
func (p *platform) tcgWords() []string { return append([]string{"mitigations=off"}, p.tcgCmdline...) }
