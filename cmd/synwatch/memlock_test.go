// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/needs"
	"golang.org/x/sys/unix"
)

// TestKernelMemlock runs a command as root without CAP_SYS_RESOURCE: it works, or
// says in one line that this is the capability that it needs (before 5.11).
func TestKernelMemlock(t *testing.T) {
	needs.Root(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "synwatch")
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", `ulimit -l 64; exec "$0" hooks "$@"`, program)
	if file := os.Getenv("SYNWATCH_TEST_BTF"); file != "" {
		cmd.Args = append(cmd.Args, "--btf", file)
	}
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	err = withoutCapability(unix.CAP_SYS_RESOURCE, cmd.Run)
	if err == nil {
		return
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitCannot {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	if text := strings.TrimSpace(stderr.String()); strings.Contains(text, "\n") || !strings.Contains(text, "CAP_SYS_RESOURCE") {
		t.Errorf("no single line that names CAP_SYS_RESOURCE: %q", text)
	}
}

// withoutCapability runs what starts a process, which does not get the capability.
func withoutCapability(capability uintptr, run func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends here
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0); err != nil {
			done <- err
			return
		}
		done <- run()
	}()
	return <-done
}
