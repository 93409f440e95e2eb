// SPDX-License-Identifier: Apache-2.0

// Package netnstest makes network namespaces for tests.
package netnstest

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/netns"
)

// New makes a network namespace that only a descriptor of this process keeps
// alive. It skips the test of a user who may not make one.
func New(t testing.TB) (*os.File, netns.ID) {
	t.Helper()
	needs.Root(t)
	ns, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	id, err := netns.IDOf(ns)
	if err != nil {
		t.Fatal(err)
	}
	return ns, id
}

// NewToReuse makes a namespace as New does, whose inode number Reuse can give to
// another. Of the numbers that are free the kernel takes the lowest; those of a
// namespace's files in /proc are of the same kind. One namespace after the other
// gets the same number as soon as those of other tests are taken down.
func NewToReuse(t testing.TB) (*os.File, netns.ID) {
	t.Helper()
	ns, id := New(t)
	next, same := reuse(t, ns, id)
	for range 20 {
		if same.Inode == id.Inode {
			return next, same
		}
		id = same
		next, same = reuse(t, next, id)
	}
	t.Fatal("no two namespaces get the same number")
	return nil, id
}

// Reuse closes a namespace's file, the only thing that may hold it, and makes
// another namespace which has the same inode number.
func Reuse(t testing.TB, ns *os.File, old netns.ID) (*os.File, netns.ID) {
	t.Helper()
	next, id := reuse(t, ns, old)
	for range 20 {
		if id.Inode == old.Inode {
			return next, id
		}
		next, id = reuse(t, next, id)
	}
	t.Fatalf("no other namespace gets the number %d", old.Inode)
	return nil, id
}

// reuse makes a namespace after one is gone.
func reuse(t testing.TB, ns *os.File, old netns.ID) (*os.File, netns.ID) {
	t.Helper()
	ns.Close()
	Await(t, fmt.Sprintf("the end of network namespace %d", old.Inode), func() bool {
		_, there := netns.Discover(false)[old.Inode]
		return !there
	})
	time.Sleep(100 * time.Millisecond) // it is taken down in the background
	return New(t)
}

// Await polls until something holds.
func Await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no sign of %s", what)
		}
	}
}
