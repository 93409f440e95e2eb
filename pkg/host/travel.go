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
}

// travel runs fn with a traveller, on a thread that nothing else uses until it
// is back home. A thread that cannot get back ends.
func travel(fn func(*traveller) error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		home, err := openNetns(ownNetns)
		if err != nil {
			done <- err
			return
		}
		defer unix.Close(home)
		own, err := inodeOf(home)
		if err == nil {
			err = fn(&traveller{home, own})
		}
		if netns.Set(netns.NsHandle(home)) == nil {
			runtime.UnlockOSThread()
		} // else the thread ends with the goroutine
		done <- err
	}()
	return <-done
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

// visitPlace runs fn once in a namespace, by the first way to it that works. An
// error of fn says nothing about the way.
func (t *traveller) visitPlace(at place, inum uint32, fn func() error) error {
	err := fmt.Errorf("no way to namespace %d", inum)
	for _, path := range at.paths {
		if err = t.enter(path, inum); err == nil {
			return fn()
		}
	}
	return err
}

// visit runs fn in the namespace that path leads to.
func (t *traveller) visit(path string, inum uint32, fn func() error) error {
	if err := t.enter(path, inum); err != nil {
		return err
	}
	return fn()
}

// enter moves the thread into the namespace that path leads to. Home is not
// entered if the thread is still there, as that takes privileges.
func (t *traveller) enter(path string, inum uint32) error {
	if now, err := threadNetns(); err == nil && now == inum {
		return nil
	}
	fd, err := openNetns(path)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if now, err := inodeOf(fd); err != nil || now != inum {
		return fmt.Errorf("%s no longer leads to namespace %d", path, inum)
	}
	return netns.Set(netns.NsHandle(fd))
}

// threadNetns is the namespace that the calling thread is in.
func threadNetns() (uint32, error) {
	fd, err := openNetns(ownNetns)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	return inodeOf(fd)
}
