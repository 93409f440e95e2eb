// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/sockets"
)

const there = 4026531841

// fakeCache has a clock of its own and workers that the test is.
type fakeCache struct {
	*Cache
	clock time.Time
	proc  string
}

func newFakeCache(t *testing.T) *fakeCache {
	f := &fakeCache{clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), proc: t.TempDir()}
	f.Cache = newCache(func() time.Time { return f.clock })
	return f
}

// process adds a process with open sockets to the /proc.
func (f *fakeCache) process(t *testing.T, pid, started int, comm string, inodes ...uint64) {
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
func (f *fakeCache) work(listening ...sockets.Socket) {
	f.clock = f.clock.Add(time.Second)
	readings, _ := f.readings()
	for _, r := range readings {
		r.began, r.names, r.sockets = f.clock, map[uint32]string{}, listening
		for _, ifindex := range r.interfaces {
			r.names[ifindex] = fmt.Sprintf("eth%d", ifindex)
		}
		if r.wantUsage {
			r.usage = &conntrack.Usage{Count: 262144, Max: 262144, Buckets: 65536}
		}
	}
	f.report(readings)
	if inodes := f.ownersToRead(); inodes != nil {
		f.findOwners(f.proc, inodes)
	}
	f.clock = f.clock.Add(time.Millisecond)
}

func (f *fakeCache) who(dst string) (*Listener, bool) {
	a, all := f.Ask(Query{Since: f.clock, Netns: netns.ID{Inode: there}, Dst: netip.MustParseAddrPort(dst), Listener: true})
	return a.Listener, all
}

func bound(addr string, inode uint64) sockets.Socket {
	return sockets.Socket{Addr: netip.MustParseAddrPort(addr), Inode: inode}
}

func nginx(pid, shared int) *Listener {
	return &Listener{Port: 443, Process: proc.Process{PID: pid, Comm: "nginx", Unit: "nginx.service"}, Shared: shared}
}

func TestCacheFindsListener(t *testing.T) {
	f := newFakeCache(t)
	f.process(t, 812, 100, "nginx", 7)
	if l, all := f.who("10.0.0.1:443"); l != nil || all {
		t.Errorf("before it looked: %+v, %v", l, all)
	}
	f.work(bound("0.0.0.0:443", 7))
	l, all := f.who("10.0.0.1:443")
	if diff := cmp.Diff(nginx(812, 0), l); diff != "" || !all {
		t.Errorf("all %v, (-want +got):\n%s", all, diff)
	}
	if readings, _ := f.readings(); len(readings) > 0 {
		t.Errorf("it looks again at once: %+v", readings[0])
	}
}

func TestCacheTellsSharedPorts(t *testing.T) {
	f := newFakeCache(t)
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

func TestCacheOfUnknownOwners(t *testing.T) {
	f := newFakeCache(t)
	f.who("10.0.0.1:443")
	f.work(bound("0.0.0.0:443", 7))
	l, all := f.who("10.0.0.1:443")
	if diff := cmp.Diff(&Listener{Port: 443}, l); diff != "" || !all {
		t.Errorf("all %v, (-want +got):\n%s", all, diff)
	}
}

func TestCacheKnowsWhatIsMissing(t *testing.T) {
	f := newFakeCache(t)
	if _, all := f.who("10.0.0.1:80"); all {
		t.Error("nothing listens, before it looked")
	}
	before := f.clock
	f.work()
	q := Query{Since: before, Netns: netns.ID{Inode: there}, Dst: netip.MustParseAddrPort("10.0.0.1:80"), Listener: true}
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

func TestCacheRemembersListenerForAWhile(t *testing.T) {
	f := newFakeCache(t)
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
	q := Query{Since: asked, Netns: netns.ID{Inode: there}, Dst: netip.MustParseAddrPort("10.0.0.1:443"), Listener: true}
	a, all := f.Ask(q)
	if diff := cmp.Diff(nginx(812, 0), a.Listener); diff != "" || !all {
		t.Errorf("all %v, (-want +got):\n%s", all, diff)
	}
	f.clock = f.clock.Add(closedFor)
	if a, _ := f.Ask(q); a.Listener != nil {
		t.Errorf("for ever: %+v", a.Listener)
	}
}

func TestCacheLooksAgain(t *testing.T) {
	f := newFakeCache(t)
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

func TestCacheLevelsAndInterfaces(t *testing.T) {
	f := newFakeCache(t)
	q := Query{Since: f.clock, Netns: netns.ID{Inode: there}, Ifindex: 3, Conntrack: true}
	if a, all := f.Ask(q); all || a.Conntrack != nil || a.Interface != "" {
		t.Errorf("before it looked: %+v, %v", a, all)
	}
	f.work()
	a, all := f.Ask(q)
	want := Answer{Conntrack: &conntrack.Usage{Count: 262144, Max: 262144, Buckets: 65536}, Interface: "eth3"}
	if diff := cmp.Diff(want, a); diff != "" || !all {
		t.Errorf("all %v, (-want +got):\n%s", all, diff)
	}
	f.clock = f.clock.Add(2 * usageFor)
	if a, all := f.Ask(q); all || a.Conntrack == nil || a.Interface != "eth3" {
		t.Errorf("a level that is old: %+v, %v", a, all)
	}
}

func TestCacheIsBounded(t *testing.T) {
	f := newFakeCache(t)
	for i := range uint32(3 * maxNamespaces) {
		f.clock = f.clock.Add(time.Millisecond)
		q := Query{Since: f.clock, Netns: netns.ID{Cookie: uint64(i) + 1, Inode: i}, Listener: true}
		if _, all := f.Ask(q); all || f.namespaces.Len() > maxNamespaces {
			t.Fatalf("namespace %d: all %v, %d namespaces", i, all, f.namespaces.Len())
		}
		if i%1000 == 0 && f.namespaces.Get(q.Netns) == nil {
			t.Fatalf("there is no room for namespace %d", i)
		}
	}
	n := f.namespace(netns.ID{Inode: there})
	for i := range uint32(2 * maxInterfaces) {
		if n.interfaceName(i, f.clock); len(n.interfaces) > maxInterfaces {
			t.Fatalf("%d interfaces", len(n.interfaces))
		}
	}
}

// A node's interfaces come and go with its containers.
func TestCacheForgetsInterfacesThatNobodyAsksFor(t *testing.T) {
	f := newFakeCache(t)
	for i := range uint32(100) {
		f.Ask(Query{Since: f.clock, Netns: netns.ID{Inode: there}, Ifindex: i + 1})
		f.work()
	}
	n := f.namespace(netns.ID{Inode: there})
	if want := int(2*refresh/time.Second) + 1; len(n.interfaces) > want {
		t.Errorf("%d interfaces, want at most %d", len(n.interfaces), want)
	}
}

// Without cookies in user space the kernel's records show that a number was given
// to another namespace: the first one's listeners are not read there.
func TestCacheDoesNotTakeOneNamespaceForAnother(t *testing.T) {
	first, next := netns.ID{Cookie: 7, Inode: there}, netns.ID{Cookie: 8, Inode: there}
	for _, cookies := range []bool{false, true} {
		f := newFakeCache(t)
		f.cookies = cookies
		f.process(t, 812, 100, "nginx", 7)
		ask := func(id netns.ID) *Listener {
			a, _ := f.Ask(Query{Since: f.clock, Netns: id, Dst: netip.MustParseAddrPort("10.0.0.1:443"), Listener: true})
			return a.Listener
		}
		ask(first)
		f.work()
		f.clock = f.clock.Add(time.Second)
		ask(first)
		ask(next)
		readings, _ := f.readings()
		for _, r := range readings {
			r.gone = r.id == first // as reading finds out where there are cookies
			r.began, r.names, r.sockets = f.clock, map[uint32]string{}, []sockets.Socket{bound("0.0.0.0:443", 7)}
		}
		f.report(readings)
		f.findOwners(f.proc, f.ownersToRead())
		if l := ask(first); l != nil {
			t.Errorf("cookies %v: the one that is gone has %+v", cookies, l)
		}
		if l := ask(next); l == nil || l.PID != 812 {
			t.Errorf("cookies %v: the new one has %+v", cookies, l)
		}
		f.clock = f.clock.Add(time.Minute)
		f.readings()
		if f.namespaces.Get(first) != nil {
			t.Errorf("cookies %v: the one that is gone is remembered", cookies)
		}
	}
}

func TestCacheClosesMoreThanOnce(t *testing.T) {
	d := NewCache()
	for range 2 {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}
