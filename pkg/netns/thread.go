// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// ErrReplaced means that a network namespace is gone and that another one has its
// inode number by now.
var ErrReplaced = errors.New("the inode number is another network namespace's by now")

// Thread runs functions inside network namespaces, all on one thread.
type Thread struct {
	home int // descriptor of the namespace that the process runs in
	own  uint32
}

// OnThread runs fn with a Thread that nothing else uses until it is back in the
// process's own namespace. A thread that cannot get back ends.
func OnThread(fn func(*Thread) error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		home, err := open(OwnPath)
		if err != nil {
			done <- err
			return
		}
		defer unix.Close(home)
		own, err := inodeOf(home)
		if err == nil {
			err = fn(&Thread{home, own})
		}
		if netns.Set(netns.NsHandle(home)) == nil {
			runtime.UnlockOSThread()
		} // else the thread ends with the goroutine
		done <- err
	}()
	return <-done
}

// Own is the inode number of the namespace that the process runs in.
func (t *Thread) Own() uint32 { return t.own }

// OwnLocation is where that is found.
func (t *Thread) OwnLocation() Location { return Location{paths: []string{OwnPath}, own: true} }

// Locate finds a namespace by its inode number. It looks at the threads and open
// files of all processes where nothing else leads there.
func (t *Thread) Locate(inode uint32) (Location, error) {
	if inode == t.own {
		return t.OwnLocation(), nil
	}
	for _, deep := range []bool{false, true} {
		if at, ok := Discover(deep)[inode]; ok {
			return at, nil
		}
	}
	return Location{}, fmt.Errorf("network namespace %d is gone", inode)
}

// Do runs fn once in a namespace, by the first path that leads there, and tells it
// the namespace's identity. An error of fn says nothing about the path. Where the
// inode number is another namespace's by now, the error satisfies
// ErrReplaced.
func (t *Thread) Do(at Location, id ID, fn func(ID) error) error {
	err := fmt.Errorf("network namespace %d is gone", id.Inode)
	for _, path := range at.paths {
		if err = t.enter(path, id.Inode); err == nil {
			now := ID{Cookie: cookie(), Inode: id.Inode}
			if now.Differs(id) {
				return fmt.Errorf("network namespace %d: %w", id.Inode, ErrReplaced)
			}
			return fn(now)
		}
	}
	return err
}

// enter moves the thread into the namespace that path leads to. The process's own
// is not entered if the thread is still there, as that takes privileges.
func (t *Thread) enter(path string, inode uint32) error {
	if now, err := threadInode(); err == nil && now == inode {
		return nil
	}
	fd, err := openInode(path, inode)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return netns.Set(netns.NsHandle(fd))
}

func threadInode() (uint32, error) {
	fd, err := open(OwnPath)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	return inodeOf(fd)
}

// Do runs fn in a network namespace, the process's own for the inode number 0, on
// a thread that is there. It tells fn where the namespace was found and its
// identity.
func Do(id ID, fn func(at Location, id ID) error) error {
	return OnThread(func(t *Thread) error {
		if id.Inode == 0 {
			id.Inode = t.own
		}
		at, err := t.Locate(id.Inode)
		if err != nil {
			return err
		}
		return t.Do(at, id, func(id ID) error { return fn(at, id) })
	})
}
