// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
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

// stream copies ports, of which the guest uses one, to a writer and counts.
type stream struct {
	n       atomic.Int64
	writing atomic.Bool // the writer has not taken what arrived yet
	readers sync.WaitGroup
}

func copyStream(dst io.Writer, ports ...*os.File) *stream {
	s := &stream{}
	for _, port := range ports {
		s.readers.Go(func() { s.copy(dst, port) })
	}
	return s
}

func (s *stream) copy(dst io.Writer, src io.Reader) {
	buf := make([]byte, 64<<10)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			s.writing.Store(true)
			dst.Write(buf[:n]) // a reader that went away must not stop the machine
			s.n.Add(int64(n))
			s.writing.Store(false)
		}
		if err != nil {
			return
		}
	}
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
	s.out = copyStream(cfg.Stdout, s.qemu.ports[portStdout], s.qemu.ports[portFastStdout])
	s.err = copyStream(cfg.Stderr, s.qemu.ports[portStderr], s.qemu.ports[portFastStderr])
	go s.readControl()
	err = s.follow(ctx)
	s.qemu.stop()
	kernel.readers.Wait()
	s.out.readers.Wait()
	s.err.readers.Wait()
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
			case m.kind == "ports" && s.cfg.Stdin != nil:
				if m.text != "virtio" {
					return errNoStdin
				}
				go s.sendStdin()
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
}

// errNoStdin is due to serial ports having no flow control that QEMU honours.
var errNoStdin = errors.New("stdin needs a kernel with a virtio console (CONFIG_VIRTIO_CONSOLE)")

// sendStdin passes stdin on and says how much there was.
func (s *session) sendStdin() {
	n, err := io.Copy(struct{ io.Writer }{s.qemu.ports[portFastStdout]}, s.cfg.Stdin)
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
		if out+stderr != last || s.out.writing.Load() || s.err.writing.Load() {
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
