// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/netns/netnstest"
	"golang.org/x/sys/unix"
)

func TestWaiting(t *testing.T) {
	ns, id := netnstest.New(t)
	if err := netns.Inside(ns, func() error { return testWaiting(t, id) }); err != nil {
		t.Fatal(err)
	}
}

func testWaiting(t *testing.T, id netns.ID) error {
	if err := netnstest.LoopbackUp(); err != nil {
		return err
	}
	ln, at := listenOn(t, [4]byte{127, 0, 0, 1}, 0)
	for range 2 {
		if err := unix.Connect(tcp(t), at); err != nil {
			return err
		}
	}
	port := uint16(at.Port)
	awaitWaiting(t, port, 2)
	if w, err := ReadWaiting(id, port); w.Connections != 2 || w.Newest > time.Minute || err != nil {
		t.Errorf("from outside: %+v, %v", w, err)
	}
	if w, err := ReadWaiting(id, port+1); w != (Waiting{}) || err != nil {
		t.Errorf("of another port: %+v, %v", w, err)
	}
	fd, _, err := unix.Accept(ln)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	awaitWaiting(t, port, 1)
	listenOn(t, [4]byte{127, 0, 0, 2}, at.Port) // whose connections they are is not known
	awaitWaiting(t, port, 0)
	return nil
}

// awaitWaiting waits until so many connections wait for the port.
func awaitWaiting(t *testing.T, port uint16, n int) {
	t.Helper()
	var w Waiting
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		sockets, err := Listening()
		if err == nil {
			w, err = WaitingFor(sockets, port)
		}
		if err != nil {
			t.Fatal(err)
		}
		if w.Connections == n {
			return
		}
	}
	t.Fatalf("%+v, want %d", w, n)
}

func tcp(t *testing.T) int {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func listenOn(t *testing.T, addr [4]byte, port int) (fd int, at *unix.SockaddrInet4) {
	fd = tcp(t)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: addr, Port: port}), unix.Listen(fd, 1)); err != nil {
		t.Fatal(err)
	}
	own, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, own.(*unix.SockaddrInet4)
}

func FuzzParseWaiting(f *testing.F) {
	f.Add(make([]byte, diagMessageLen+8))
	f.Fuzz(func(t *testing.T, b []byte) {
		if age, ok := parseWaiting(b); ok && age < 0 {
			t.Error(age)
		}
	})
}

func TestWaitingForOneOfSeveral(t *testing.T) {
	on := func(addr string, inode uint64, waiting, limit uint32) ListenerQueue {
		return ListenerQueue{Addr: netip.MustParseAddrPort(addr), Inode: inode, Waiting: waiting, Limit: &limit}
	}
	const any, other = "0.0.0.0:80", "127.0.0.1:80"
	for name, test := range map[string]struct {
		listeners []ListenerQueue
		full      uint64 // the inode
		sharing   int
		newest    bool // is known
	}{
		"one is full":                    {[]ListenerQueue{on(any, 1, 0, 16), on(any, 2, 17, 16)}, 2, 1, true},
		"one is full, another is busy":   {[]ListenerQueue{on(any, 1, 3, 16), on(any, 2, 17, 16)}, 2, 1, false},
		"one on another address is full": {[]ListenerQueue{on(other, 1, 17, 16), on(any, 2, 0, 16), on(any, 3, 0, 16)}, 1, 0, true},
		"two are full":                   {[]ListenerQueue{on(any, 1, 17, 16), on(any, 2, 17, 16)}, 0, 0, false},
		"none is full":                   {[]ListenerQueue{on(any, 1, 16, 16), on(any, 2, 0, 16)}, 0, 0, false},
		"their queues are not known":     {[]ListenerQueue{{Addr: netip.MustParseAddrPort(any)}, on(any, 2, 17, 16)}, 0, 0, false},
	} {
		w := Waiting{Connections: 17, Newest: 4 * time.Second}
		got := w.of(test.listeners)
		full := uint64(0)
		if got.Full != nil {
			full = got.Full.Inode
		}
		if full != test.full || got.Sharing != test.sharing || (got.Newest > 0) != test.newest || (got.Connections > 0) != test.newest {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
