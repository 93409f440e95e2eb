// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/netns/netnstest"
)

func newTestCensus(t *testing.T) *census {
	t.Helper()
	needs.Root(t)
	k, err := readKernel("")
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCensus(k)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close() })
	return c
}

// residents are what a census finds of one namespace.
func residents(t *testing.T, take func(func(netns.Resident)) error, inode uint32) (found []netns.Resident) {
	t.Helper()
	err := take(func(r netns.Resident) {
		if r.Netns.Inode == inode {
			found = append(found, r)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// hold starts a process that has the file open, in the namespace that this is if it
// enters it.
func hold(t *testing.T, f *os.File, enter bool) (pid int) {
	t.Helper()
	sleep := exec.Command("sleep", "600")
	if enter {
		sleep = exec.Command("nsenter", "--net=/proc/self/fd/3", "sleep", "600")
	}
	sleep.ExtraFiles = []*os.File{f}
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = sleep.Process.Kill() // it may have ended
		_ = sleep.Wait()
	})
	return sleep.Process.Pid
}

func TestCensusCountsProcesses(t *testing.T) {
	c := newTestCensus(t)
	ns, id := netnstest.New(t)
	pid := hold(t, ns, true)
	var found []netns.Resident
	// Alone: the thread that looked for the cookie may not have ended yet.
	netnstest.Await(t, "the process", func() bool {
		found = residents(t, c.Tasks, id.Inode)
		return len(found) == 1 && found[0].PID == pid
	})
	if found[0].Number != pid || found[0].Netns.Cookie == 0 || found[0].Netns.Differs(id) {
		t.Errorf("process %d in %+v: found %+v", pid, id, found)
	}
}

// A thread that is elsewhere than its process is counted by itself.
func TestCensusCountsThreads(t *testing.T) {
	c := newTestCensus(t)
	err := netns.InsideNew(func() error {
		inode, _ := netns.Own()
		found := residents(t, c.Tasks, inode)
		if len(found) != 1 || found[0].PID != os.Getpid() || found[0].Number != unix.Gettid() {
			t.Errorf("thread %d: found %+v", unix.Gettid(), found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	own, _ := netns.Own()
	for _, r := range residents(t, c.Tasks, own) {
		if r.PID == os.Getpid() && r.Number != r.PID {
			t.Errorf("a thread is where its process is, and was counted: %+v", r)
		}
	}
}

func TestCensusCountsOpenFiles(t *testing.T) {
	c := newTestCensus(t)
	ns, id := netnstest.New(t)
	pid := hold(t, ns, false)
	for _, r := range residents(t, c.Files, id.Inode) {
		if r.PID == pid && r.Number == 3 {
			return
		}
	}
	t.Errorf("file 3 of process %d was not counted: %+v", pid, residents(t, c.Files, id.Inode))
}

// What looks for namespaces finds the same with a census as without.
func TestDiscoverWithCensus(t *testing.T) {
	c := newTestCensus(t)
	byProcess, first := netnstest.New(t)
	hold(t, byProcess, true)
	byFile, second := netnstest.New(t)
	hold(t, byFile, false)
	byProcess.Close()
	byFile.Close()
	defer netns.UseCensus(c)()
	netnstest.Await(t, "both", func() bool {
		found := netns.Discover(true)
		process, file := found[first.Inode], found[second.Inode]
		return process.LeadsTo(first.Inode) && file.LeadsTo(second.Inode) && process.Name() != ""
	})
	// The thread that looked for its cookie may not have ended yet.
	netnstest.Await(t, "a search that does not find what a file holds", func() bool {
		at := netns.Discover(false)[second.Inode]
		return !at.LeadsTo(second.Inode)
	})
	if at := netns.Discover(false)[first.Inode]; at.Cookie() == 0 {
		t.Error("the cookie is not told")
	}
}

// Another /proc has other numbers for the same processes.
func TestCensusOfAForeignProc(t *testing.T) {
	c := newTestCensus(t)
	c.reader++
	if err := c.Tasks(func(netns.Resident) {}); err != errForeign {
		t.Errorf("got %v", err)
	}
}

func TestCensusIsClosed(t *testing.T) {
	c := newTestCensus(t)
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Tasks(func(netns.Resident) {}); err == nil {
		t.Error("it is taken all the same")
	}
	if err := c.close(); err != nil {
		t.Error(err)
	}
}

// sleepers is how many processes the benchmarks have beside those of the machine.
const sleepers = 1000

func BenchmarkCensus(b *testing.B) {
	k, err := readKernel("")
	if err != nil {
		b.Fatal(err)
	}
	c, err := newCensus(k)
	if err != nil {
		b.Fatal(err)
	}
	defer c.close()
	for range sleepers {
		sleep := exec.Command("sleep", "600")
		if err := sleep.Start(); err != nil {
			b.Fatal(err)
		}
		defer func() { _ = sleep.Process.Kill(); _ = sleep.Wait() }()
	}
	for name, deep := range map[string]bool{"quick": false, "deep": true} {
		b.Run(filepath.Join("proc", name), func(b *testing.B) {
			for b.Loop() {
				netns.Discover(deep)
			}
		})
		b.Run(filepath.Join("census", name), func(b *testing.B) {
			defer netns.UseCensus(c)()
			for b.Loop() {
				netns.Discover(deep)
			}
		})
	}
}
