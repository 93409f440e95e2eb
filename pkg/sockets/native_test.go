// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"errors"
	"slices"
	"testing"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/netns/netnstest"
	"golang.org/x/sys/unix"
)

func TestBothWaysToListSockets(t *testing.T) {
	ns, _ := netnstest.New(t)
	var diag, proc []Socket
	err := netns.Inside(ns, func() (err error) {
		listenOn(t, [4]byte{127, 0, 0, 1}, 443)
		six, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(six)
		if err := errors.Join(unix.Bind(six, &unix.SockaddrInet6{Port: 80}), unix.Listen(six, 8)); err != nil {
			return err
		}
		if diag, err = Listening(); err != nil {
			return err
		}
		proc, err = listeningInProc()
		return err
	})
	for i := range diag {
		if q := diag[i].Queue; q == nil || q.Limit == nil || *q.Limit == 0 || q.Waiting != 0 || q.Drops == nil || *q.Drops != 0 {
			t.Errorf("queues of %s: %+v", diag[i].Addr, q)
		}
		diag[i].Queue = nil
	}
	for i := range proc {
		if q := proc[i].Queue; q == nil || q.Limit != nil || q.Drops != nil || q.Waiting != 0 {
			t.Errorf("queues of %s in /proc: %+v", proc[i].Addr, q)
		}
		proc[i].Queue = nil
	}
	if err != nil || len(diag) != 2 || !slices.Equal(diag, proc) {
		t.Errorf("%v, by sock_diag %+v, by /proc %+v", err, diag, proc)
	}
}
