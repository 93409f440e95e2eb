// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"runtime"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// traveller runs functions inside network namespaces, all on one thread.
type traveller struct {
	home int    // descriptor of the namespace that the process runs in
	own  uint32 // its number
	at   uint32 // where the thread is
}

// travel runs fn with a traveller, on the calling goroutine's thread, if that may
// come back home. Else it takes a thread that nothing else uses, and that ends
// when it is lost; to change threads makes an idle run a tenth dearer.
func travel(fn func(*traveller) error) error {
	home, err := openNetns(ownNetns)
	if err != nil {
		return err
	}
	defer unix.Close(home)
	own, err := inodeOf(home)
	if err != nil {
		return err
	}
	t := &traveller{home, own, own}
	runtime.LockOSThread()
	if netns.Set(netns.NsHandle(home)) == nil {
		return t.tour(fn)
	}
	runtime.UnlockOSThread()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- t.tour(fn)
	}()
	return <-done
}

// tour runs fn and lets go of the thread when it is home again.
func (t *traveller) tour(fn func(*traveller) error) error {
	err := fn(t)
	if t.at == t.own || netns.Set(netns.NsHandle(t.home)) == nil {
		runtime.UnlockOSThread()
	}
	return err
}

// locate finds a namespace, by a deep scan if a quick one does not know it.
func (t *traveller) locate(netns uint32) (place, error) {
	if netns == t.own {
		return place{paths: []string{ownNetns}}, nil
	}
	for _, deep := range []bool{false, true} {
		if at, ok := scan(deep)[netns]; ok {
			return at, nil
		}
	}
	return place{}, fmt.Errorf("network namespace %d is gone", netns)
}

// visitPlace runs fn in a namespace, on the first way to it that works.
func (t *traveller) visitPlace(at place, inum uint32, fn func() error) error {
	err := fmt.Errorf("no way to namespace %d", inum)
	for _, path := range at.paths {
		if err = t.visit(path, inum, fn); err == nil {
			return nil
		}
	}
	return err
}

// visit runs fn in the namespace that path leads to. Home is not entered if the
// thread is still there, as that takes privileges.
func (t *traveller) visit(path string, inum uint32, fn func() error) error {
	if t.at == inum {
		return fn()
	}
	fd, err := openNetns(path)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if now, err := inodeOf(fd); err != nil || now != inum {
		return fmt.Errorf("%s no longer leads to namespace %d", path, inum)
	}
	if err := netns.Set(netns.NsHandle(fd)); err != nil {
		return err
	}
	t.at = inum
	return fn()
}
