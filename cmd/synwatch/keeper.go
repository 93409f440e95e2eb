// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strconv"
	"syscall"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
)

// keptBy names the process that keeps the terminal of this one, which is its parent.
const keptBy = "SYNWATCH_TERMINAL_KEPT_BY"

// usual puts back what a program on a screen may have changed of the terminal, other than
// what the kernel keeps of it.
const usual = ansi.ResetModeSynchronizedOutput + ansi.ResetModifyOtherKeys + "\x1b[<1u" + // the last pops kitty's keyboard protocol
	ansi.ResetModeAltScreenSaveCursor + ansi.ResetModeBracketedPaste + ansi.ResetModeUnicodeCore +
	ansi.SetModeTextCursorEnable + ansi.ResetStyle

// endedError is the exit status of a command line that was run in another process. That
// has said everything.
type endedError struct{ status int }

func (endedError) Error() string { return "" }

// keeps says whether this process is to run the command line in another one and keep its
// terminal meanwhile.
func (e *env) keeps() bool {
	return e.keeper && e.variable(keptBy) != strconv.Itoa(os.Getppid())
}

// keep runs the same command line in a process of its own. However that ends, be it by a
// panic of any goroutine or by SIGKILL, the terminal is as it was afterwards: no process
// can see to that itself.
func (e *env) keep(ctx context.Context, tty *os.File) error {
	was, err := term.GetState(tty.Fd())
	if err != nil {
		return fmt.Errorf("read the terminal's modes: %w", err)
	}
	runtime.LockOSThread() // Pdeathsig comes when the thread ends
	defer runtime.UnlockOSThread()
	var said firstWords
	cmd := exec.CommandContext(ctx, "/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(e.environ[:len(e.environ):len(e.environ)], keptBy+"="+strconv.Itoa(os.Getpid()))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, tty, &said
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = cmd.Wait()
	restore(tty, was)
	_, _ = said.WriteTo(e.stderr)
	return howEnded(cmd.ProcessState, err)
}

// restore puts the terminal back. A process that did so itself left the modes as they
// were.
func restore(tty *os.File, was *term.State) {
	if is, err := term.GetState(tty.Fd()); err != nil || reflect.DeepEqual(is, was) {
		return
	}
	_, _ = tty.WriteString(usual)
	_ = term.Restore(tty.Fd(), was)
}

func howEnded(state *os.ProcessState, err error) error {
	if state == nil {
		return err
	}
	status, ok := state.Sys().(syscall.WaitStatus)
	switch {
	case ok && status.Signaled():
		return fmt.Errorf("ended by a signal: %v", status.Signal())
	case state.ExitCode() > 0:
		return endedError{state.ExitCode()}
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
