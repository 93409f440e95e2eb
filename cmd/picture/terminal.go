// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

const (
	// still is how long a screen does not change that is taken for done, and patience
	// how long that may take.
	still    = 1500 * time.Millisecond
	patience = 3 * time.Minute
)

// terminal is an emulated terminal with a program on it.
type terminal struct {
	*vt.SafeEmulator
	pty     *os.File
	written atomic.Int64 // when the program was last written to, or wrote, in nanoseconds
}

// run shows the screen of a program that has been typed to, before it ends the program: that
// may leave the screen as it was.
func run(ctx context.Context, width, height int, args []string, until string, keys []string, show func(*vt.SafeEmulator)) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=truecolor", "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "TZ=UTC")
	at, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)})
	if err != nil {
		return err
	}
	t := &terminal{SafeEmulator: vt.NewSafeEmulator(width, height), pty: at}
	go func() { _, _ = io.Copy(at, t.SafeEmulator) }() // what the terminal answers
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(t, at) // until the program ends
		close(ended)
	}()
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		_ = at.Close()
	}()
	if err := t.play(until, keys); err != nil {
		return err
	}
	select {
	case <-ended:
		return fmt.Errorf("%s has ended, and there is no picture of it", args[0])
	default:
		show(t.SafeEmulator)
		return nil
	}
}

// Write is what the program writes.
func (t *terminal) Write(b []byte) (int, error) {
	t.written.Store(time.Now().UnixNano())
	return t.SafeEmulator.Write(b)
}

// play types the keys, the first when the screen shows a text, the others when it stands
// still.
func (t *terminal) play(until string, keys []string) error {
	if err := t.await(until, 0); err != nil {
		return err
	}
	for _, key := range keys {
		t.written.Store(time.Now().UnixNano()) // the screen stands still yet, as nothing was typed
		if _, err := io.WriteString(t.pty, keyCode(key)); err != nil {
			return err
		}
		if err := t.await("", still); err != nil {
			return err
		}
	}
	return t.await("", still)
}

// await waits until the screen shows a text, and stands still for some time.
func (t *terminal) await(text string, quiet time.Duration) error {
	done := func() bool {
		last := t.written.Load()
		return last != 0 && time.Since(time.Unix(0, last)) >= quiet && strings.Contains(t.Render(), text)
	}
	for end := time.Now().Add(patience); !done(); time.Sleep(still / 10) {
		if time.Now().After(end) {
			return errors.Join(fmt.Errorf("no screen with %q that stands still for %s in %s", text, quiet, patience), errors.New(t.Render()))
		}
	}
	return nil
}

// keyCode is what a key sends.
func keyCode(name string) string {
	switch name {
	case "enter":
		return "\r"
	case "esc":
		return "\x1b"
	case "down":
		return "\x1b[B"
	case "up":
		return "\x1b[A"
	case "end":
		return "\x1b[F"
	case "space":
		return " "
	}
	return name
}
