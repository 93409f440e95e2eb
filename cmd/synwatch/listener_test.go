// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/synwatch/synwatch/pkg/capture/capturetest"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/provoke"
	"golang.org/x/sys/unix"
)

// refusing is a socket filter that takes no packet. The kernel gives such drops
// a reason of their own, so that no hook but the tracepoint is needed.
var refusing = unix.SockFprog{Len: 1, Filter: &unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}}

// listenRefusing listens on any port of the lab's server.
func listenRefusing(t *testing.T, lab *provoke.Lab) (port uint16) {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		return errors.Join(c.Control(func(fd uintptr) {
			err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &refusing)
		}), err)
	}}
	err := lab.ServerDo(func() error {
		ln, err := config.Listen(t.Context(), "tcp4", "0.0.0.0:0")
		if err != nil {
			return err
		}
		t.Cleanup(func() { ln.Close() })
		port = uint16(ln.Addr().(*net.TCPAddr).Port)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// dialLab begins a connection that will not come about.
func dialLab(t *testing.T, lab *provoke.Lab, port uint16) {
	t.Helper()
	err := lab.ClientDo(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { unix.Close(fd) })
		err = unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{10, 0, 0, 1}, Port: int(port)})
		if errors.Is(err, unix.EINPROGRESS) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTraceNamesTheListener(t *testing.T) {
	needs.Root(t)
	lab := newLab(t)
	port := listenRefusing(t, lab)
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	e := realEnv()
	r, w := io.Pipe()
	e.stdout, e.stderr = w, io.Discard
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, e, []string{"trace", "--json", "--netns", fmt.Sprint(lab.Netns()), "--count", "1"})
		w.Close()
	}()
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		capturetest.CheckLines(t, lines.Text())
		var line struct {
			Type, Cause string
			Netns       uint32
			Listener    struct {
				Port   uint16
				PID    int
				Comm   string
				Shared int
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		switch l := line.Listener; {
		case line.Type == "start":
			dialLab(t, lab, port)
		case line.Type == "drop" && (line.Netns != lab.Netns() || l.Port != port || l.PID != os.Getpid() || l.Comm == "" || l.Shared != 0):
			t.Errorf("got %+v, want port %d of process %d", line, port, os.Getpid())
		}
	}
	if got := <-status; got != exitFine {
		t.Errorf("exit status %d", got)
	}
	if ctx.Err() != nil {
		t.Error("there was no drop")
	}
}
