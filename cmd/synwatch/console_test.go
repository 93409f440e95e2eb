// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// console is a terminal with a program of its own: what the program writes to a
// pseudoterminal, an emulator draws.
type console struct {
	*vt.SafeEmulator
	t             *testing.T
	master, slave *os.File
	before        *term.State
	cmd           *exec.Cmd

	mu      sync.Mutex
	written bytes.Buffer
	modes   map[ansi.Mode]bool // that were set, and whether they still are
	synced  bool               // it has synchronised output
}

// before is what the terminal shows before a program is started.
const before = "$ synwatch top"

func newConsole(t *testing.T, width, height int) *console {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	c := &console{SafeEmulator: vt.NewSafeEmulator(width, height), t: t, master: master, slave: slave, modes: map[ansi.Mode]bool{}}
	c.SetCallbacks(vt.Callbacks{
		EnableMode:  func(m ansi.Mode) { c.modes[m] = true },
		DisableMode: func(m ansi.Mode) { delete(c.modes, m) },
	})
	t.Cleanup(func() { master.Close(); slave.Close() })
	_, _ = c.Write([]byte(before + "\r\n"))
	clear(c.modes)
	if c.before, err = term.GetState(slave.Fd()); err != nil {
		t.Fatal(err)
	}
	c.resize(width, height)
	go func() { _, _ = io.Copy(master, c.SafeEmulator) }() // what it answers
	go func() { _, _ = io.Copy(writerFunc(c.draw), master) }()
	return c
}

type writerFunc func([]byte) (int, error)

func (w writerFunc) Write(b []byte) (int, error) { return w(b) }

// draw draws what the program writes.
func (c *console) draw(b []byte) (int, error) {
	c.mu.Lock()
	c.written.Write(b)
	asks := c.synced && bytes.Contains(b, []byte(ansi.RequestModeSynchronizedOutput))
	c.mu.Unlock()
	if asks {
		c.press(ansi.ReportMode(ansi.ModeSynchronizedOutput, ansi.ModeReset))
	}
	return c.Write(b)
}

func (c *console) resize(width, height int) {
	c.t.Helper()
	c.Resize(width, height)
	if err := pty.Setsize(c.slave, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		c.t.Fatal(err)
	}
}

// start starts synwatch on the terminal.
func (c *console) start(environ []string, stdin *os.File, args ...string) {
	c.t.Helper()
	c.cmd = exec.Command("/proc/self/exe", args...)
	c.cmd.Args[0] = "synwatch"
	c.cmd.Env = append([]string{asProgram + "=1", "TERM=xterm-256color", "LANG=C.UTF-8", "TZ=UTC", "PATH=" + os.Getenv("PATH")}, environ...)
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = c.slave, c.slave, c.slave
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 1}
	if stdin != nil {
		c.cmd.Stdin = stdin
	}
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = c.cmd.Process.Kill() })
}

// press types keys.
func (c *console) press(keys string) {
	c.t.Helper()
	if _, err := io.WriteString(c.master, keys); err != nil {
		c.t.Fatal(err)
	}
}

// raw is all that the program wrote so far.
func (c *console) raw() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written.String()
}

// screen is what is to be read.
func (c *console) screen() string {
	var lines []string
	for y := range c.Height() {
		var line strings.Builder
		for x := 0; x < c.Width(); x++ {
			if cell := c.CellAt(x, y); cell != nil && cell.Width > 0 {
				line.WriteString(cell.Content)
			}
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	return strings.Join(lines, "\n") + "\n"
}

// await waits until the screen is as it should be.
func (c *console) await(what string, is func(screen string) bool) string {
	c.t.Helper()
	for end := time.Now().Add(hang); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if s := c.screen(); is(s) {
			return s
		}
	}
	c.t.Fatalf("the screen does not show %s:\n%s", what, c.screen())
	return ""
}

func (c *console) awaitText(want string) string {
	c.t.Helper()
	return c.await(fmt.Sprintf("%q", want), func(s string) bool { return strings.Contains(s, want) })
}

// child is the process that shows the screen.
func (c *console) child() int {
	c.t.Helper()
	pid := c.cmd.Process.Pid
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		c.t.Fatal(err)
	}
	var child int
	if _, err := fmt.Sscan(string(text), &child); err != nil {
		threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		for _, thread := range threads {
			text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, thread.Name()))
			if n, _ := fmt.Sscan(string(text), &child); n == 1 {
				return child
			}
		}
		c.t.Fatal("it has no child")
	}
	return child
}

// ended waits for the end of the program and returns its status. The terminal must be
// as it was.
func (c *console) ended() int {
	c.t.Helper()
	done := make(chan error, 1)
	go func() { done <- c.cmd.Wait() }()
	select {
	case err := <-done:
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			c.t.Fatal(err)
		}
	case <-time.After(hang):
		c.t.Fatal("it did not end")
	}
	c.asItWas()
	return c.cmd.ProcessState.ExitCode()
}

// drawn is written behind all else: what is before it is drawn once it is.
const drawn = "\x1b]0;drawn\x07"

// asItWas checks that the terminal is as before the program was started.
func (c *console) asItWas() {
	c.t.Helper()
	if _, err := c.slave.WriteString(drawn); err != nil {
		c.t.Fatal(err)
	}
	for end := time.Now().Add(hang); !strings.HasSuffix(c.raw(), drawn); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatal("the terminal does not draw")
		}
	}
	c.awaitText(before)
	is, err := term.GetState(c.slave.Fd())
	if err != nil {
		c.t.Fatal(err)
	}
	if !reflect.DeepEqual(is, c.before) {
		c.t.Errorf("the terminal's modes are %+v and were %+v", is, c.before)
	}
	if c.IsAltScreen() || c.CursorHidden() {
		c.t.Errorf("on the alternate screen %v, without a cursor %v", c.IsAltScreen(), c.CursorHidden())
	}
	for mode := range c.modes {
		if mode != ansi.ModeTextCursorEnable && mode != ansi.ModeAutoWrap {
			c.t.Errorf("mode %v is still set", mode)
		}
	}
}
