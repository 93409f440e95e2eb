// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const there = 4026531841

// fakeDirectory has a clock of its own and workers that the test is.
type fakeDirectory struct {
	*Directory
	clock time.Time
	proc  string
}

func newFakeDirectory(t *testing.T) *fakeDirectory {
	f := &fakeDirectory{clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), proc: t.TempDir()}
	f.Directory = newDirectory(func() time.Time { return f.clock })
	return f
}

// process adds a process with open sockets to the /proc.
func (f *fakeDirectory) process(t *testing.T, pid, started int, comm string, inodes ...uint64) {
	t.Helper()
	dir := filepath.Join(f.proc, fmt.Sprint(pid))
	if err := os.MkdirAll(filepath.Join(dir, "fd"), 0o755); err != nil {
		t.Fatal(err)
	}
	stat := fmt.Sprintf("%d (%s) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d %s\n", pid, comm, started, strings.Repeat("0 ", 30))
	for name, text := range map[string]string{"comm": comm + "\n", "stat": stat, "cgroup": "0::/system.slice/" + comm + ".service\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i, inode := range inodes {
		if err := os.Symlink(fmt.Sprintf("socket:[%d]", inode), filepath.Join(dir, "fd", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
}

// work lets the workers do what they find to do, with these sockets there.
func (f *fakeDirectory) work(sockets ...socket) {
	f.clock = f.clock.Add(time.Second)
	errands, _ := f.errands()
	for _, e := range errands {
		e.began, e.names, e.sockets = f.clock, map[uint32]string{}, sockets
		for _, ifindex := range e.links {
			e.names[ifindex] = fmt.Sprintf("eth%d", ifindex)
		}
		if e.levels {
			e.level = &Conntrack{Count: 262144, Max: 262144, Buckets: 65536}
		}
	}
	f.report(errands)
	if inodes := f.soughtNow(); inodes != nil {
		f.look(f.proc, inodes)
	}
	f.clock = f.clock.Add(time.Millisecond)
}

func (f *fakeDirectory) who(dst string) (*Listener, bool) {
	a, all := f.Ask(Question{Since: f.clock, Netns: there, Dst: netip.MustParseAddrPort(dst), Listener: true})
	return a.Listener, all
}

func nginx(pid, shared int) *Listener {
	return &Listener{Port: 443, Process: Process{PID: pid, Comm: "nginx", Unit: "nginx.service"}, Shared: shared}
}

func TestDirectoryFindsListener(t *testing.T) {
	f := newFakeDirectory(t)
	f.process(t, 812, 100, "nginx", 7)
	if l, all := f.who("10.0.0.1:443"); l != nil || all {
		t.Errorf("before it looked: %+v, %v", l, all)
	}
	f.work(bound("0.0.0.0:443", 7))
	l, all := f.who("10.0.0.1:443")
	if diff := cmp.Diff(nginx(812, 0), l); diff != "" || !all {
		t.Errorf("all %v, (-want +got):\n%s", all, diff)
	}
	if errands, _ := f.errands(); len(errands) > 0 {
		t.Errorf("it looks again at once: %+v", errands[0])
	}
}

func TestDirectoryTellsSharedPorts(t *testing.T) {
	f := newFakeDirectory(t)
	f.process(t, 1, 1, "systemd", 7)    // has the socket of its unit open
	f.process(t, 700, 150, "nginx", 7)  // a worker, after the numbers wrapped
	f.process(t, 812, 100, "nginx", 7)  // its parent
	f.process(t, 813, 300, "nginx", 8)  // by SO_REUSEPORT
	f.process(t, 900, 50, "sshd", 9)    // on another port
	f.process(t, 901, 60, "proxy", 100) // on a specific address
	f.who("10.0.0.1:443")
	f.work(bound("0.0.0.0:443", 7), bound("0.0.0.0:443", 8), bound("0.0.0.0:22", 9), bound("10.0.0.9:443", 100))
	l, all := f.who("10.0.0.1:443")
	if diff := cmp.Diff(nginx(812, 2), l); diff != "" || !all {
		t.Errorf("all %v, (-want +got):\n%s", all, diff)
	}
	if l, all := f.who("10.0.0.9:443"); !all || l == nil || l.PID != 901 || l.Shared != 0 {
		t.Errorf("got %+v, %v", l, all)
	}
}

func TestDirectoryOfUnknownOwners(t *testing.T) {
	f := newFakeDirectory(t)
	f.who("10.0.0.1:443")
	f.work(bound("0.0.0.0:443", 7))
	l, all := f.who("10.0.0.1:443")
	if diff := cmp.Diff(&Listener{Port: 443}, l); diff != "" || !all {
		t.Errorf("all %v, (-want +got):\n%s", all, diff)
	}
}

func TestDirectoryKnowsWhatIsMissing(t *testing.T) {
	f := newFakeDirectory(t)
	if _, all := f.who("10.0.0.1:80"); all {
		t.Error("nothing listens, before it looked")
	}
	before := f.clock
	f.work()
	q := Question{Since: before, Netns: there, Dst: netip.MustParseAddrPort("10.0.0.1:80"), Listener: true}
	if a, all := f.Ask(q); a.Listener != nil || !all {
		t.Errorf("got %+v, %v", a, all)
	}
	if l, all := f.who("10.0.0.2:80"); l != nil || all {
		t.Errorf("a newer question: %+v, %v", l, all)
	}
	if l, all := f.who("10.0.0.1:80"); l != nil || !all {
		t.Errorf("the same destination again: %+v, %v", l, all)
	}
}

func TestDirectoryRemembersListenerForAWhile(t *testing.T) {
	f := newFakeDirectory(t)
	f.process(t, 812, 100, "nginx", 7)
	f.who("10.0.0.1:443")
	f.work(bound("0.0.0.0:443", 7))
	if err := os.RemoveAll(filepath.Join(f.proc, "812")); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		f.who("10.0.0.2:443")
		f.work(bound("0.0.0.0:443", 7))
	}
	asked := f.clock
	f.who("10.0.0.1:80")
	f.work()
	q := Question{Since: asked, Netns: there, Dst: netip.MustParseAddrPort("10.0.0.1:443"), Listener: true}
	a, all := f.Ask(q)
	if diff := cmp.Diff(nginx(812, 0), a.Listener); diff != "" || !all {
		t.Errorf("all %v, (-want +got):\n%s", all, diff)
	}
	f.clock = f.clock.Add(goneFor)
	if a, _ := f.Ask(q); a.Listener != nil {
		t.Errorf("for ever: %+v", a.Listener)
	}
}

func TestDirectoryLooksAgain(t *testing.T) {
	f := newFakeDirectory(t)
	f.process(t, 812, 100, "nginx", 7)
	f.who("10.0.0.1:443")
	f.work(bound("0.0.0.0:443", 7))
	f.clock = f.clock.Add(time.Minute) // unused
	if l, all := f.who("10.0.0.1:443"); all || l == nil {
		t.Errorf("what is old is taken for new: %+v, %v", l, all)
	}
	f.process(t, 900, 500, "nginx", 8)
	f.work(bound("0.0.0.0:443", 8))
	if l, all := f.who("10.0.0.1:443"); !all || l == nil || l.PID != 900 {
		t.Errorf("got %+v, %v", l, all)
	}
	f.process(t, 901, 600, "nginx", 8) // a worker that was started later
	for range 6 {
		f.who("10.0.0.1:443")
		f.work(bound("0.0.0.0:443", 8))
	}
	if l, all := f.who("10.0.0.1:443"); !all || l.PID != 900 || l.Shared != 1 {
		t.Errorf("got %+v, %v", l, all)
	}
}

func TestDirectoryLevelsAndInterfaces(t *testing.T) {
	f := newFakeDirectory(t)
	q := Question{Since: f.clock, Netns: there, Ifindex: 3, Conntrack: true}
	if a, all := f.Ask(q); all || a.Conntrack != nil || a.Interface != "" {
		t.Errorf("before it looked: %+v, %v", a, all)
	}
	f.work()
	a, all := f.Ask(q)
	want := Answer{Conntrack: &Conntrack{262144, 262144, 65536}, Interface: "eth3"}
	if diff := cmp.Diff(want, a); diff != "" || !all {
		t.Errorf("all %v, (-want +got):\n%s", all, diff)
	}
	f.clock = f.clock.Add(2 * levelFor)
	if a, all := f.Ask(q); all || a.Conntrack == nil || a.Interface != "eth3" {
		t.Errorf("a level that is old: %+v, %v", a, all)
	}
}

func TestDirectoryIsBounded(t *testing.T) {
	f := newFakeDirectory(t)
	for i := range uint32(maxSpaces + 10) {
		_, all := f.Ask(Question{Since: f.clock, Netns: i, Listener: true})
		if all != (i >= maxSpaces) {
			t.Fatalf("namespace %d: all %v", i, all)
		}
	}
	f.clock = f.clock.Add(time.Hour)
	if _, all := f.Ask(Question{Since: f.clock, Netns: maxSpaces, Listener: true}); all || len(f.spaces) != 1 {
		t.Errorf("all %v, %d namespaces", all, len(f.spaces))
	}
}

func TestReadConntrack(t *testing.T) {
	files := map[string]string{"nf_conntrack_count": "17\n", "nf_conntrack_max": "262144\n", "nf_conntrack_buckets": "65536\n"}
	got, err := readConntrack(tree(t, files))
	if diff := cmp.Diff(&Conntrack{17, 262144, 65536}, got); diff != "" || err != nil {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
	files["nf_conntrack_max"] = "many"
	for _, dir := range []string{tree(t, files), t.TempDir()} {
		if got, err := readConntrack(dir); err == nil {
			t.Errorf("got %+v", got)
		}
	}
}

func TestDirectoryClosesMoreThanOnce(t *testing.T) {
	d := NewDirectory()
	for range 2 {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}
