// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
)

// guestProgram returns a static build of this program, which is the guest's init.
// "go run" and "go install" link it dynamically where there is a C compiler, and a
// foreign platform needs one of its own; then one is built once from the sources.
func guestProgram(ctx context.Context, c Cache, p *platform) ([]byte, error) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return nil, fmt.Errorf("read this program: %w", err)
	}
	name := "init"
	if !p.native() {
		name += "-" + p.arch
	} else if checkStatic("", self) == nil {
		return self, nil
	}
	unlock, err := c.lock(name)
	if err != nil {
		return nil, err
	}
	defer unlock()
	sum := sha256.Sum256(self)
	cached, stamp := c.path(name), c.path(name+".of")
	want := fmt.Sprintf("%x\n", sum)
	if got, err := os.ReadFile(stamp); err == nil && string(got) == want {
		if data, err := os.ReadFile(cached); err == nil {
			return data, nil
		}
	}
	os.Remove(stamp)
	if err := buildStatic(ctx, cached, p); err != nil {
		return nil, err
	}
	if err := os.WriteFile(stamp, []byte(want), 0o644); err != nil {
		return nil, err
	}
	return os.ReadFile(cached)
}

func buildStatic(ctx context.Context, out string, p *platform) error {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Path == "" || info.Path == "command-line-arguments" {
		return errors.New("this program is dynamically linked or not for the machine, and does not know its package: " +
			"build it with CGO_ENABLED=0 and by its package's name")
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", out, info.Path)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+p.arch)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the machine's init, a static %s for %s (run this in a clone of its repository): %w: %s",
			info.Path, p.arch, err, lastLine(string(text)))
	}
	return nil
}
