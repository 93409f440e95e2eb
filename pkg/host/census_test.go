// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"
)

// hold starts a process that does nothing and has the file open.
func hold(t *testing.T, f *os.File) (end func()) {
	t.Helper()
	sleep := exec.Command("sleep", "60")
	sleep.ExtraFiles = []*os.File{f}
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	end = func() {
		sleep.Process.Kill()
		sleep.Wait()
	}
	t.Cleanup(end)
	return end
}

func has(t *testing.T, s *Sampler, deep bool, inum uint32) bool {
	t.Helper()
	sample, err := s.Sample(deep)
	if err != nil {
		t.Fatal(err)
	}
	return sample[inum] != nil
}

func TestSampleKeepsNamespaceAsLongAsAnybodyHoldsIt(t *testing.T) {
	f, inum := newNetns(t)
	ends := []func(){hold(t, f), hold(t, f), hold(t, f)}
	f.Close()
	s := NewSampler([]string{"TcpExtListenDrops"})
	if !has(t, s, true, inum) {
		t.Fatal("a deep sample does not find it")
	}
	for i, end := range ends {
		if !has(t, s, false, inum) {
			t.Errorf("it is forgotten when %d of %d are gone", i, len(ends))
		}
		end()
	}
	await(t, "its end", func() bool { return !has(t, s, false, inum) })
}

func TestQuickSampleFindsNamespaceOfNewProcess(t *testing.T) {
	newNetns(t) // or skip
	now := time.Now()
	s := NewSampler([]string{"TcpExtListenDrops"})
	s.census.now = func() time.Time { return now } // no scan of all is ever due again
	if _, err := s.Sample(false); err != nil {
		t.Fatal(err)
	}
	sleep := exec.Command("sleep", "60")
	sleep.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		sleep.Process.Kill()
		sleep.Wait()
	}()
	inum, ok := netnsLink("/proc/" + itoa(uintptr(sleep.Process.Pid)) + "/ns/net")
	if !ok || !has(t, s, false, inum) {
		t.Errorf("namespace %d is not in the sample", inum)
	}
	now = now.Add(childhood)
	if !has(t, s, false, inum) || slices.Contains(s.census.young(now), sleep.Process.Pid) {
		t.Errorf("known %v, young %v", s.known[inum], s.census.young(now))
	}
}

func TestCensusScansAllFromTimeToTime(t *testing.T) {
	now := time.Now()
	c := census{now: func() time.Time { return now }}
	known := c.scan(false, places{})
	f, inum := newNetns(t) // by a process that is not young any more, soon
	now = now.Add(childhood)
	if known = c.scan(false, known); len(known[inum].paths) != 0 {
		t.Errorf("it looked at all processes' files: %v", known[inum])
	}
	now = now.Add(scanEvery)
	if known = c.scan(false, known); len(known[inum].paths) == 0 {
		t.Errorf("namespace %d of %s is never found", inum, f.Name())
	}
}
