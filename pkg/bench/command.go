// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// format is how to read what a command writes.
type format struct {
	// shows says whether a line reports a drop of a source.
	shows  func(line []byte, source netip.Addr) bool
	report func(lines iter.Seq[[]byte], w Watched) (Report, error)
	// ready is what it says on its standard error once it traces, if anything.
	ready string
}

// command is a tracer that is a command which writes to a file.
type command struct {
	format
	watched Watched
	from    int64 // where in the file what it says of these drops begins
	cmd     *exec.Cmd
	dir     string   // of the file
	out     *os.File // the file, as far as it was looked at
	half    []byte   // the beginning of the next line
	stderr  stderrReader
	began   time.Time
}

// stderrReader keeps what a tracer writes to stderr, and when it said that it traces.
type stderrReader struct {
	ready   string
	text    strings.Builder
	readyAt time.Time
}

// Write implements io.Writer.
func (l *stderrReader) Write(p []byte) (int, error) {
	n, err := l.text.Write(p)
	if l.ready != "" && l.readyAt.IsZero() && strings.Contains(l.text.String(), l.ready) {
		l.readyAt = time.Now()
	}
	return n, err
}

// startCommand starts a command with its standard output in the file whose name
// args may use.
func startCommand(ctx context.Context, f format, w Watched, name string, args func(file string) []string) (Tracer, error) {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, err
	}
	c := &command{format: f, watched: w, dir: dir, stderr: stderrReader{ready: f.ready}}
	if err := c.start(ctx, name, args); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), c.close())
	}
	return c, nil
}

func (c *command) start(ctx context.Context, name string, args func(string) []string) error {
	file := filepath.Join(c.dir, "out")
	stdout, err := os.Create(file)
	if err != nil {
		return err
	}
	defer stdout.Close()
	if c.out, err = os.Open(file); err != nil {
		return err
	}
	c.cmd = exec.CommandContext(ctx, name, args(file)...)
	c.cmd.Cancel = func() error { return c.cmd.Process.Signal(os.Interrupt) }
	c.cmd.WaitDelay = 10 * time.Second
	c.cmd.Stdout, c.cmd.Stderr = stdout, &c.stderr
	c.began = time.Now()
	return c.cmd.Start()
}

func (c *command) close() error {
	var err error
	if c.out != nil {
		err = c.out.Close()
	}
	return errors.Join(err, os.RemoveAll(c.dir))
}

func (c *command) Process() int { return c.cmd.Process.Pid }

// Shows looks at the lines that are new.
func (c *command) Shows(source netip.Addr) (bool, error) {
	if c.hasEnded() {
		return false, fmt.Errorf("%s ended by itself", c.cmd.Path)
	}
	text, err := io.ReadAll(c.out)
	if err != nil {
		return false, err
	}
	text = append(c.half, text...)
	end := bytes.LastIndexByte(text, '\n') + 1
	c.half = text[end:]
	for line := range bytes.Lines(text[:end]) {
		if c.shows(line, source) {
			return true, nil
		}
	}
	return false, nil
}

// hasEnded leaves the process to be waited for.
func (c *command) hasEnded() bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, c.Process(), &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err == nil && info.Signo != 0
}

// Stop interrupts the command and reads all that it wrote.
func (c *command) Stop() (report Report, err error) {
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return report, err
	}
	if err := c.cmd.Wait(); err != nil {
		return report, fmt.Errorf("%s: %w: %s", c.cmd.Path, err, c.stderr.text.String())
	}
	return c.read()
}

// read reads what it wrote of the watched drops.
func (c *command) read() (Report, error) {
	if _, err := c.out.Seek(c.from, io.SeekStart); err != nil {
		return Report{}, err
	}
	lines := bufio.NewScanner(c.out)
	report, err := c.report(each(lines), c.watched)
	if !c.stderr.readyAt.IsZero() {
		report.Attached = c.stderr.readyAt.Sub(c.began)
	}
	return report, errors.Join(err, lines.Err())
}

// each are the lines of a scanner.
func each(s *bufio.Scanner) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for s.Scan() && yield(s.Bytes()) {
		}
	}
}
