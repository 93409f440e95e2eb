// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// output carries one of the command's streams to a port.
type output struct {
	port, child, parent *os.File
	written             int64
	done                chan struct{}
}

// openControl opens the control port. Where that is a virtio port, its modules have
// to be there before anything can be said about them.
func openControl(modules []string) (*os.File, error) {
	p, err := platformOf(runtime.GOARCH)
	if err != nil || p.serial {
		return openPort("/dev/ttyS3")
	}
	load := moduleLoader()
	for _, module := range modules {
		_ = load(module, "") // what does not load leaves no port to say so
	}
	if f := waitFast(nameControl); f != nil {
		return f, nil
	}
	return nil, fmt.Errorf("no virtio port %s: the kernel needs CONFIG_VIRTIO_CONSOLE", nameControl)
}

// openOutputs opens the ports for stdout and stderr and says of which kind they are.
func openOutputs() (stdout, stderr *output, kind string, err error) {
	kind = "virtio"
	out, errs := waitFast(nameStdout), waitFast(nameStderr)
	if out == nil || errs == nil {
		kind = "serial"
		if out, err = openPort("/dev/ttyS1"); err != nil {
			return nil, nil, "", err
		}
		if errs, err = openPort("/dev/ttyS2"); err != nil {
			return nil, nil, "", err
		}
	}
	if stdout, err = newOutput(out); err != nil {
		return nil, nil, "", err
	}
	stderr, err = newOutput(errs)
	return stdout, stderr, kind, err
}

func newOutput(port *os.File) (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o := &output{port: port, child: w, parent: r, done: make(chan struct{})}
	go func() {
		o.written, _ = io.Copy(struct{ io.Writer }{port}, r)
		close(o.done)
	}()
	return o, nil
}

// finish waits until all output is on the wire. A background process that outlives
// the command and keeps the pipe open is not waited for.
func (o *output) finish() int64 {
	o.parent.SetReadDeadline(time.Now().Add(time.Second))
	<-o.done
	drain(o.port)
	return o.written
}

// fastClass lists virtio ports; it is there if the kernel has the driver.
const fastClass = "/sys/class/virtio-ports"

// waitFast opens the virtio port of that name, or returns nil if the kernel has no
// driver for it. The host tells the driver the names a moment after it was loaded.
func waitFast(name string) *os.File {
	if _, err := os.Stat(fastClass); err != nil {
		return nil
	}
	for range 100 {
		found, _ := filepath.Glob(fastClass + "/*/name")
		for _, file := range found {
			if text, _ := os.ReadFile(file); strings.TrimSpace(string(text)) != name {
				continue
			}
			f, err := openDevice("/dev/" + filepath.Base(filepath.Dir(file)))
			if err == nil {
				return f
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// openDevice opens a device for plain blocking reads and writes.
func openDevice(name string) (*os.File, error) {
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// openPort opens a serial port as a plain channel of bytes: no echo, no line
// discipline, no CR for LF.
func openPort(name string) (*os.File, error) {
	f, err := openDevice(name)
	if err != nil {
		return nil, err
	}
	t, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B115200
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, t); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// drain waits until the port has sent everything (tcdrain).
func drain(port *os.File) { unix.IoctlSetInt(int(port.Fd()), unix.TCSBRK, 1) }
