// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/needs"
)

// newNamespace makes a network namespace that only a descriptor of this process
// keeps alive. It is netnstest.New, which imports this package, as Await there is
// await here.
func newNamespace(t *testing.T) (*os.File, uint32) {
	t.Helper()
	needs.Root(t)
	ns, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	id, err := IDOf(ns)
	if err != nil {
		t.Fatal(err)
	}
	return ns, id.Inode
}

func start(t *testing.T, cmd *exec.Cmd) (end func()) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end = func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	}
	t.Cleanup(end)
	return end
}

// hold starts a process that does nothing and has the file open.
func hold(t *testing.T, f *os.File) (end func()) {
	t.Helper()
	sleep := exec.Command("sleep", "60")
	sleep.ExtraFiles = []*os.File{f}
	return start(t, sleep)
}

func has(f *Finder, deep bool, inode uint32) bool {
	at := f.Find(deep)[inode]
	return at.LeadsTo(inode)
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no sign of %s", what)
		}
	}
}

func TestFinderKeepsNamespaceAsLongAsAnybodyHoldsIt(t *testing.T) {
	ns, inode := newNamespace(t)
	ends := []func(){hold(t, ns), hold(t, ns), hold(t, ns)}
	ns.Close()
	f := NewFinder()
	if !has(f, true, inode) {
		t.Fatal("a deep search does not find it")
	}
	for i, end := range ends {
		if !has(f, false, inode) {
			t.Errorf("it is forgotten when %d of %d are gone", i, len(ends))
		}
		end()
	}
	await(t, "its end", func() bool { return !has(f, false, inode) })
	if _, known := f.known[inode]; known {
		t.Error("where it was is remembered")
	}
}

func TestFinderFindsNamespaceHeldByOwnDescriptor(t *testing.T) {
	ns, inode := newNamespace(t)
	f := NewFinder()
	if !has(f, false, inode) {
		t.Errorf("namespace %d is not found", inode)
	}
	ns.Close()
	await(t, "its end", func() bool { return !has(f, false, inode) })
}

func TestFinderFindsNamespaceOfNewProcess(t *testing.T) {
	newNamespace(t) // or skip
	now := time.Now()
	f := NewFinder()
	f.now = func() time.Time { return now } // a look at all is never due again
	f.Find(false)
	sleep := exec.Command("sleep", "60")
	sleep.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	start(t, sleep)
	inode, ok := linkInode(fmt.Sprintf("/proc/%d/ns/net", sleep.Process.Pid))
	if !ok || !has(f, false, inode) {
		t.Errorf("namespace %d is not found", inode)
	}
	now = now.Add(youngFor)
	if !has(f, false, inode) || slices.Contains(f.young(now), sleep.Process.Pid) {
		t.Errorf("known %v, young %v", f.known[inode], f.young(now))
	}
}

func TestFinderLooksAtAllProcessesFromTimeToTime(t *testing.T) {
	now := time.Now()
	f := NewFinder()
	f.now = func() time.Time { return now }
	f.Find(false)
	ns, inode := newNamespace(t) // by a process that is not young any more, soon
	now = now.Add(youngFor)
	if has(f, false, inode) {
		t.Errorf("it looked at all processes' files: %v", f.known[inode])
	}
	now = now.Add(searchEvery)
	if !has(f, false, inode) {
		t.Errorf("namespace %d of %s is never found", inode, ns.Name())
	}
}

func TestNamespacesAreNamed(t *testing.T) {
	ns, inode := newNamespace(t)
	f := NewFinder()
	name := func() string {
		f.Find(false)
		at := f.At(inode)
		return at.Name()
	}
	if got := name(); got != "" {
		t.Errorf("with nobody in it: %q", got)
	}
	sleep := exec.Command("nsenter", "--net=/proc/self/fd/3", "sleep", "60")
	sleep.ExtraFiles = append(sleep.ExtraFiles, ns)
	start(t, sleep)
	want := fmt.Sprintf("sleep[%d]", sleep.Process.Pid)
	await(t, "the name "+want, func() bool { return name() == want })
}
