// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// session is one boot: a machine and what came out of it so far.
type session struct {
	cfg     Config
	qemu    *process
	console *console
	start   time.Time
	control chan message // closed when the machine is gone
	out     *stream
	err     *stream
	res     Result
}

// stream copies one port to a writer and counts.
type stream struct {
	n    atomic.Int64
	done chan struct{}
}

func copyStream(dst io.Writer, src io.Reader) *stream {
	s := &stream{done: make(chan struct{})}
	go func() {
		defer close(s.done)
		buf := make([]byte, 64<<10)
		for {
			n, err := src.Read(buf)
			if n > 0 {
				dst.Write(buf[:n]) // a reader that went away must not stop the machine
				s.n.Add(int64(n))
			}
			if err != nil {
				return
			}
		}
	}()
	return s
}

// boot starts a machine and follows it to the command's exit status.
func boot(ctx context.Context, cfg Config, m machine, initramfs []byte) (Result, error) {
	s := &session{
		cfg: cfg, start: time.Now(), console: &console{tee: cfg.Console}, control: make(chan message, 16),
	}
	var err error
	if s.qemu, err = startQEMU(ctx, m, initramfs); err != nil {
		return s.res, err
	}
	kernel := copyStream(s.console, s.qemu.ports[portConsole])
	s.out = copyStream(cfg.Stdout, s.qemu.ports[portStdout])
	s.err = copyStream(cfg.Stderr, s.qemu.ports[portStderr])
	go s.readControl()
	err = s.follow(ctx)
	s.qemu.stop()
	<-kernel.done
	<-s.out.done
	<-s.err.done
	if dead, ok := err.(*DeadError); ok {
		dead.Console = s.console.tail()
		if text := lastLine(s.qemu.stderr.String()); text != "" {
			dead.Why += ": " + text
		}
	}
	return s.res, err
}

func (s *session) readControl() {
	defer close(s.control)
	lines := bufio.NewScanner(s.qemu.ports[portControl])
	for lines.Scan() {
		if m, err := parseMessage(lines.Text()); err == nil {
			s.control <- m
		}
	}
}

// follow waits for hello, then for the exit message and all output.
func (s *session) follow(ctx context.Context) error {
	hello := time.NewTimer(s.cfg.BootTimeout)
	defer hello.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-hello.C:
			return &DeadError{Why: fmt.Sprintf("no hello from init within %s", s.cfg.BootTimeout)}
		case m, ok := <-s.control:
			switch {
			case !ok:
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return &DeadError{Why: "the machine ended before the command did"}
			case m.kind == "hello":
				hello.Stop()
				s.hello(m.text)
			case m.kind == "warn":
				fmt.Fprintf(s.cfg.Log, "vm: %s: %s\n", s.cfg.Kernel.Name, m.text)
			case m.kind == "exit":
				s.res.Status = m.status
				return s.drain(ctx, m)
			}
		}
	}
}

func (s *session) hello(release string) {
	s.res.Release, s.res.Boot = release, time.Since(s.start)
	if s.cfg.OnHello != nil {
		s.cfg.OnHello(release, s.cfg.Accel, s.res.Boot)
	}
	if s.cfg.Stdin != nil {
		go s.sendStdin()
	}
}

// sendStdin passes stdin on and says how much there was.
func (s *session) sendStdin() {
	n, err := io.Copy(struct{ io.Writer }{s.qemu.ports[portStdout]}, s.cfg.Stdin)
	if err == nil {
		io.WriteString(s.qemu.ports[portControl], message{kind: "eof", out: n}.String())
	}
}

// drainStall is how long nothing may arrive while output is outstanding.
const drainStall = 10 * time.Second

// drain waits until as much output arrived as the guest wrote.
func (s *session) drain(ctx context.Context, end message) error {
	last, since := int64(-1), time.Now()
	for {
		out, stderr := s.out.n.Load(), s.err.n.Load()
		if out >= end.out && stderr >= end.err {
			return nil
		}
		if out+stderr != last {
			last, since = out+stderr, time.Now()
		}
		if time.Since(since) > drainStall {
			return fmt.Errorf("output lost: %d of %d bytes of stdout and %d of %d of stderr arrived",
				out, end.out, stderr, end.err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
}
