// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// New makes a network namespace that lives as long as something holds it: the
// returned file, a socket, a thread.
func New() (ns *os.File, err error) {
	err = InsideNew(func() error {
		ns, err = os.Open(OwnPath)
		return err
	})
	return ns, err
}

// Inside runs fn on a thread of its own in a network namespace.
func Inside(ns *os.File, fn func() error) error {
	return OnNewThread(func() error { return Enter(ns) }, fn)
}

// InsideNew runs fn on a thread of its own in a new network namespace, which ends
// with the thread unless something else holds it.
func InsideNew(fn func() error) error {
	unshare := func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("new network namespace: %w", err)
		}
		return nil
	}
	return OnNewThread(unshare, fn)
}

// OnNewThread runs prepare and then fn on a thread that ends with them, so that
// whatever they do to the thread (its network namespace, its CPU) is never undone
// and never seen by another goroutine.
func OnNewThread(prepare, fn func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if unix.Gettid() == unix.Getpid() {
			// The main thread is what /proc/self shows and cannot be ended.
			// While it is held here the next goroutine gets another one.
			done <- OnNewThread(prepare, fn)
			runtime.UnlockOSThread()
			return
		}
		if err := prepare(); err != nil {
			done <- err
			return
		}
		done <- fn()
	}()
	return <-done
}

// Enter moves the calling thread, which must be locked, into a network namespace.
func Enter(ns *os.File) error {
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace: %w", err)
	}
	return nil
}

// IDOf is the identity of the network namespace that a file holds. Its cookie is
// that which SO_NETNS_COOKIE gives in it.
func IDOf(ns *os.File) (id ID, err error) {
	err = Inside(ns, func() error {
		id, err = here()
		return err
	})
	return id, err
}

// Netlink opens a netlink socket of a family in a network namespace.
func Netlink(ns *os.File, family int) (*netlink.Handle, error) {
	h, err := netlink.NewHandleAt(netns.NsHandle(ns.Fd()), family)
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	return h, nil
}
