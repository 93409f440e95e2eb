// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/netns/netnstest"
	"golang.org/x/sys/unix"
)

// Of two sockets that share a port one accepts, and the other is stuck.
func TestWaitingForAStuckSocket(t *testing.T) {
	ns, id := netnstest.New(t)
	if err := netns.Inside(ns, func() error { return testStuck(t, id) }); err != nil {
		t.Fatal(err)
	}
}

func testStuck(t *testing.T, id netns.ID) error {
	if err := netnstest.LoopbackUp(); err != nil {
		return err
	}
	at := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: 8081}
	share := func() int {
		fd := tcp(t)
		err := errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1), unix.SetNonblock(fd, true), unix.Bind(fd, at), unix.Listen(fd, 1))
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	stuck, other := share(), share()
	var stat unix.Stat_t
	if err := unix.Fstat(stuck, &stat); err != nil {
		return err
	}
	for range 64 { // bounded; about half of them go to either
		client := tcp(t)
		if err := unix.SetNonblock(client, true); err != nil {
			return err
		}
		if err := unix.Connect(client, at); err != nil && !errors.Is(err, unix.EINPROGRESS) {
			return err
		}
		time.Sleep(time.Millisecond)
		for {
			fd, _, err := unix.Accept(other)
			if err != nil {
				break
			}
			defer unix.Close(fd)
		}
		w, err := ReadWaiting(id, uint16(at.Port))
		if err != nil {
			return err
		}
		if w.Full != nil {
			if w.Full.Inode != stat.Ino || w.Sharing != 1 || w.Connections != 2 || w.Full.PID != os.Getpid() {
				t.Errorf("%+v of %+v, want inode %d", w, w.Full, stat.Ino)
			}
			return nil
		}
	}
	return errors.New("neither of the sockets became full")
}
