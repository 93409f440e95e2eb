// SPDX-License-Identifier: Apache-2.0

package proc

import (
	"os"
	"path"
	"strings"
)

// ThrowAwayVM says that this machine was started for a test and is not used again: the
// project's VM runner says so, and vimto is the init of its machines.
func ThrowAwayVM() bool {
	if os.Getenv("SYNWATCH_VM") == "1" {
		return true
	}
	words, err := os.ReadFile(path.Join(Dir, "cmdline"))
	return err == nil && vimtoMachine(string(words))
}

// vimtoMachine looks at the kernel's command line, which says what its init is and what
// that is called with.
func vimtoMachine(words string) bool {
	kernel, init, _ := strings.Cut(words, " -- ")
	return strings.TrimSpace(init) == "stdio ctrl" && strings.Contains(kernel+" ", " rootfstype=9p ")
}
