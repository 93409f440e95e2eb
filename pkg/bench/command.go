// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// command is a tracer that is a command which writes to a file.
type command struct {
	cmd    *exec.Cmd
	dir    string // holds the file
	errors bytes.Buffer
	seen   func(text []byte) bool
	told   func(text []byte) (Told, error)
	read   int
	first  bool
}

// startCommand starts a command. args gets the path of the file to write to, if
// the command can; otherwise its standard output goes there.
func startCommand(ctx context.Context, c *command, name string, args func(file string) []string) (Tracer, error) {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, err
	}
	c.dir = dir
	c.cmd = exec.CommandContext(ctx, name, args(c.file())...)
	c.cmd.Cancel = func() error { return c.cmd.Process.Signal(os.Interrupt) }
	c.cmd.WaitDelay = 10 * time.Second
	c.cmd.Stderr = &c.errors
	out, err := os.OpenFile(c.file(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err == nil {
		c.cmd.Stdout = out
		err = c.cmd.Start()
		out.Close()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), os.RemoveAll(dir))
	}
	return c, nil
}

func (c *command) file() string { return filepath.Join(c.dir, "out") }

func (c *command) Process() int { return c.cmd.Process.Pid }

// Seen reads the file until there is a drop in it.
func (c *command) Seen() (bool, error) {
	if c.first {
		return true, nil
	}
	var state unix.Siginfo
	err := unix.Waitid(unix.P_PID, c.Process(), &state, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	if err == nil && state.Signo != 0 {
		return false, fmt.Errorf("%s has ended: %s", c.cmd.Path, c.errors.String())
	}
	text, err := os.ReadFile(c.file())
	if err != nil {
		return false, err
	}
	c.first = len(text) > c.read && c.seen(text)
	c.read = len(text)
	return c.first, nil
}

func (c *command) Stop() (Told, error) {
	defer os.RemoveAll(c.dir)
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return Told{}, err
	}
	if err := c.cmd.Wait(); err != nil {
		return Told{}, fmt.Errorf("%s: %w: %s", c.cmd.Path, err, c.errors.String())
	}
	text, err := os.ReadFile(c.file())
	if err != nil {
		return Told{}, err
	}
	return c.told(text)
}
