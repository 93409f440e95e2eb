// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

var updateScreens = flag.Bool("update-screens", false, "write the screens of top anew")

// golden waits until the screen is as a file has it.
func (c *console) golden(name string) {
	c.t.Helper()
	path := filepath.Join("testdata", "top", fmt.Sprintf("%s-%dx%d.txt", name, c.Width(), c.Height()))
	if *updateScreens {
		time.Sleep(2 * time.Second) // it has come to rest
		if err := os.WriteFile(path, []byte(c.screen()), 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	c.await(path+":\n"+string(want), func(s string) bool { return s == string(want) })
}

const endKey, enterKey = "\x1b[F", "\r"

// startTop shows all of a capture.
func startTop(t *testing.T, width, height int, environ ...string) *console {
	t.Helper()
	c := newConsole(t, width, height)
	c.start(environ, nil, "top", smallCapture)
	c.awaitText("drops/s")
	c.press(endKey)
	c.awaitText(" END ")
	return c
}

func TestTopOnATerminal(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {200, 60}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			c := startTop(t, size[0], size[1])
			c.golden("end")
			c.press(enterKey)
			c.awaitText("Esc ←")
			c.press(enterKey)
			c.awaitText("›")
			c.press(enterKey)
			c.awaitText("evidence of this record")
			c.golden("record")
			c.resize(40, 10)
			c.golden("record")
			c.resize(size[0], size[1])
			c.golden("record")
			c.press("q")
			if status := c.ended(); status != exitFine {
				t.Errorf("status %d", status)
			}
			for _, mouse := range []string{"\x1b[?9h", "\x1b[?100", "\x1b[?1015h", "\x1b[?1016h"} {
				if raw := strings.ReplaceAll(c.raw(), ansi.SetModeBracketedPaste, ""); strings.Contains(raw, mouse) {
					t.Errorf("it has %q", mouse)
				}
			}
		})
	}
}

// Of a pipe the keys come from the terminal all the same.
func TestTopOfAPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(smallCapture)
	if err != nil {
		t.Fatal(err)
	}
	c := newConsole(t, 80, 24)
	c.start(nil, r, "top", "-")
	r.Close()
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	c.awaitText("drops/s")
	c.press(endKey)
	c.awaitText("NEWEST")
	c.awaitText(" 42 in all")
	c.press("[")
	c.awaitText("REPLAY")
	c.press(endKey)
	c.awaitText("NEWEST")
	w.Close()
	c.awaitText(" END ")
	c.golden("end")
	c.press("q")
	if status := c.ended(); status != exitFine {
		t.Errorf("status %d", status)
	}
}

var (
	colours  = regexp.MustCompile(`\x1b\[[0-9;:]*\b(3[0-8]|4[0-8]|9[0-7]|10[0-7])\b[0-9;:]*m`)
	notASCII = regexp.MustCompile(`[^\x00-\x7e]`)
)

func TestTopAsTheTerminalIs(t *testing.T) {
	for _, test := range []struct {
		environ          []string
		coloured, blocks bool
	}{
		{nil, true, true},
		{[]string{"NO_COLOR=1"}, false, true},
		{[]string{"LC_ALL=C"}, true, false},
		{[]string{"TERM=linux"}, true, false},
		{[]string{"TERM=tmux-256color", "TMUX=/tmp/x,1,0"}, true, true},
		{[]string{"TERM=screen", "SSH_TTY=/dev/pts/9"}, true, true},
	} {
		t.Run(strings.Join(test.environ, ","), func(t *testing.T) {
			c := startTop(t, 80, 24, test.environ...)
			c.press("f")
			c.awaitText("what to change")
			c.press("?")
			c.awaitText("go back")
			c.press("q")
			if status := c.ended(); status != exitFine {
				t.Errorf("status %d", status)
			}
			if got := colours.MatchString(c.raw()); got != test.coloured {
				t.Errorf("colours: %v: %q", got, colours.FindString(c.raw()))
			}
			if got := notASCII.MatchString(c.raw()); got != test.blocks {
				t.Errorf("more than ASCII: %v: %q", got, notASCII.FindString(c.raw()))
			}
		})
	}
}

func TestTopRefusesATerminalThatCannot(t *testing.T) {
	for _, term := range []string{"dumb", ""} {
		c := newConsole(t, 80, 24)
		c.start([]string{"TERM=" + term}, nil, "top", smallCapture)
		if status := c.ended(); status != exitUsage {
			t.Errorf("status %d", status)
		}
		if said, ok := strings.CutSuffix(c.raw(), drawn); !ok || !regexp.MustCompile("^synwatch: .*use synwatch trace\r\n$").MatchString(said) {
			t.Errorf("TERM=%s: %q", term, said)
		}
	}
}

func TestTopSynchronisesWhatTheTerminalCan(t *testing.T) {
	for _, test := range []struct {
		has  bool
		args string
		want bool
	}{{true, "", true}, {false, "", false}, {true, "--no-sync", false}} {
		c := newConsole(t, 80, 24)
		c.synced = test.has
		c.start(nil, nil, append([]string{"top", smallCapture}, strings.Fields(test.args)...)...)
		c.awaitText("drops/s")
		c.press(endKey)
		c.awaitText(" END ")
		c.press("q")
		c.ended()
		if got := strings.Contains(c.raw(), ansi.SetModeSynchronizedOutput); got != test.want {
			t.Errorf("%+v: got %v", test, got)
		}
	}
}

// panicSignal makes a goroutine of the program panic in a test.
const panicSignal = syscall.SIGUSR1

func panicWhenAsked() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, panicSignal)
	<-asked
	panic("test")
}

func toProgram(sig syscall.Signal) func(*console) error {
	return func(c *console) error { return c.cmd.Process.Signal(sig) }
}

func toScreen(sig syscall.Signal) func(*console) error {
	return func(c *console) error { return syscall.Kill(c.child(), sig) }
}

func TestTopLeavesTheTerminalAsItWas(t *testing.T) {
	for _, test := range []struct {
		name   string
		end    func(c *console) error
		status int
		says   string
	}{
		{"SIGTERM", toProgram(syscall.SIGTERM), exitFine, ""},
		{"SIGINT", toProgram(syscall.SIGINT), exitFine, ""},
		{"SIGHUP", toProgram(syscall.SIGHUP), exitFine, ""},
		{"SIGTERM to the screen", toScreen(syscall.SIGTERM), exitFine, ""},
		{"SIGKILL to the screen", toScreen(syscall.SIGKILL), exitFailed, "ended by a signal: killed"},
		{"panic", toScreen(panicSignal), 2, "panic: test"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := startTop(t, 80, 24)
			if err := test.end(c); err != nil {
				t.Fatal(err)
			}
			if status := c.ended(); status != test.status {
				t.Errorf("status %d", status)
			}
			c.awaitText(test.says)
		})
	}
}
