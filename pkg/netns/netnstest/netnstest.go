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

// Reuse makes a namespace, hands it to first, and ends it; then it makes another one
// with the same inode number and hands it to second. Somebody else may take the
// number meanwhile: then it begins again, with first.
//
// Of the numbers that are free the kernel takes the lowest; those of a namespace's
// files in /proc are of the same kind. One namespace after the other gets the same
// number as soon as those before are taken down.
func Reuse(t testing.TB, first func(ns *os.File, id netns.ID), second func(ns *os.File, id netns.ID)) {
	t.Helper()
	for range 30 {
		ns, old := New(t)
		first(ns, old)
		ns.Close()
		Await(t, fmt.Sprintf("the end of network namespace %d", old.Inode), func() bool {
			_, there := netns.Discover(false)[old.Inode]
			return !there
		})
		time.Sleep(100 * time.Millisecond) // it is taken down in the background
		if ns, id := New(t); id.Inode == old.Inode {
			second(ns, id)
			return
		}
	}
	t.Fatal("no two namespaces get the same number")
}

// Await polls until something holds.
func Await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no sign of %s", what)
		}
	}
}
