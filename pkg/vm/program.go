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
// "go run" and "go install" link it dynamically where there is a C compiler; then a
// static one is built once from the same sources.
func guestProgram(ctx context.Context, c Cache) ([]byte, error) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return nil, fmt.Errorf("read this program: %w", err)
	}
	if checkStatic("", self) == nil {
		return self, nil
	}
	unlock, err := c.lock("init")
	if err != nil {
		return nil, err
	}
	defer unlock()
	sum := sha256.Sum256(self)
	cached, stamp := c.path("init"), c.path("init.of")
	want := fmt.Sprintf("%x\n", sum)
	if got, err := os.ReadFile(stamp); err == nil && string(got) == want {
		if data, err := os.ReadFile(cached); err == nil {
			return data, nil
		}
	}
	os.Remove(stamp)
	if err := buildStatic(ctx, cached); err != nil {
		return nil, err
	}
	if err := os.WriteFile(stamp, []byte(want), 0o644); err != nil {
		return nil, err
	}
	return os.ReadFile(cached)
}

func buildStatic(ctx context.Context, out string) error {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Path == "" || info.Path == "command-line-arguments" {
		return errors.New("this program is dynamically linked: build it with CGO_ENABLED=0")
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", out, info.Path)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("this program is dynamically linked, and building a static one fails (build it with CGO_ENABLED=0): %w: %s",
			err, lastLine(string(text)))
	}
	return nil
}
