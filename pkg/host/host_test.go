// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// mayLack are the counters that kernels before 6.18 do not have.
var mayLack = map[string]bool{
	"TcpExtPAWSTimewait": true, "TcpExtPAWSOldAck": true, "TcpExtTSEcrRejected": true, "TcpExtBeyondWindow": true,
}

func TestEveryCounterOfTheCatalogueCanBeRead(t *testing.T) {
	s := NewSampler(cause.Counters())
	sample, err := s.Sample(false)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ThisMachine()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range cause.Counters() {
		if _, ok := sample[m.Netns][name]; !ok && !mayLack[name] && !strings.HasPrefix(name, "Conntrack") {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestThisMachine(t *testing.T) {
	m, err := ThisMachine()
	if err != nil {
		t.Fatal(err)
	}
	name, err := os.Hostname()
	if err != nil || m.Name != name || m.Kernel == "" || m.Netns == 0 {
		t.Errorf("got %+v, want the name %q", m, name)
	}
}

func TestParseNetnsLink(t *testing.T) {
	for link, want := range map[string]uint32{
		"net:[4026531840]": 4026531840, "mnt:[4026531841]": 0, "net:[x]": 0,
		"net:[4026531840": 0, "net:[-1]": 0, "socket:[12]": 0, "": 0, "net:[99999999999]": 0,
	} {
		if got, ok := parseNetnsLink(link); got != want && ok || ok != (want != 0) {
			t.Errorf("%q: got %d, %v", link, got, ok)
		}
	}
}

// newNetns makes a network namespace that only a descriptor of this process
// keeps alive.
func newNetns(t *testing.T) (*os.File, uint32) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to make a network namespace")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	if err := netns.Set(home); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	inum, err := inodeOf(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return f, inum
}

func TestSampleFindsNamespaceHeldByOwnDescriptor(t *testing.T) {
	f, inum := newNetns(t)
	s := NewSampler(cause.Counters())
	sample, err := s.Sample(false)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := sample[inum]["TcpExtListenDrops"]; !ok {
		t.Errorf("namespace %d is not in the sample", inum)
	}
	f.Close()
	for deadline := time.Now().Add(2 * time.Second); sample[inum] != nil; time.Sleep(time.Millisecond) {
		if sample, err = s.Sample(false); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("namespace %d is still there, at %+v", inum, s.known[inum])
		}
	}
}

func TestDeepSampleFindsNamespaceHeldByAnotherProcess(t *testing.T) {
	f, inum := newNetns(t)
	sleep := exec.Command("sleep", "60")
	sleep.ExtraFiles = []*os.File{f}
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		sleep.Process.Kill()
		sleep.Wait()
	}()
	f.Close()
	s := NewSampler([]string{"TcpExtListenDrops"})
	for _, deep := range []bool{false, true, false} { // the last remembers
		sample, err := s.Sample(deep)
		if err != nil {
			t.Fatal(err)
		}
		at := s.known[inum]
		if _, ok := sample[inum]; ok != (deep || at.leadsTo(inum)) {
			t.Errorf("deep %v: found %v", deep, ok)
		}
	}
	if _, ok := s.known[inum]; !ok {
		t.Error("the last sample forgot where the namespace is")
	}
}

// An error of the work is no error of the way: the next way would do the work
// again.
func TestWorkThatFailsIsDoneOnce(t *testing.T) {
	own, ok := netnsLink(ownNetns)
	if !ok {
		t.Fatal("no own namespace")
	}
	at := place{paths: []string{"/no/such/file", ownNetns, "/proc/self/ns/net", fmt.Sprintf("/proc/%d/ns/net", os.Getpid())}}
	runs, broken := 0, errors.New("broken")
	err := travel(func(r *traveller) error {
		return r.visitPlace(at, own, func() error { runs++; return broken })
	})
	if !errors.Is(err, broken) || runs != 1 {
		t.Errorf("ran %d times: %v", runs, err)
	}
}

func TestResolveNetns(t *testing.T) {
	m, err := ThisMachine()
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range []string{
		fmt.Sprint(os.Getpid()), fmt.Sprint(m.Netns), ownNetns, fmt.Sprintf("net:[%d]", m.Netns),
	} {
		if got, err := ResolveNetns(spec); err != nil || got != m.Netns {
			t.Errorf("%s: got %d, %v", spec, got, err)
		}
	}
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for spec, want := range map[string]string{
		"no-such-name":      `named "no-such-name"`,
		"":                  `named ""`,
		"4194303":           "no process 4194303",
		"4294967295":        "inode number 4294967295",
		"/no/such/file":     "no such file",
		plain:               "is not a network namespace",
		"/proc/self/ns/mnt": "is not a network namespace",
	} {
		if _, err := ResolveNetns(spec); want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q in it", spec, err, want)
		}
	}
}

func BenchmarkSample(b *testing.B) {
	for _, deep := range []bool{false, true} {
		b.Run(fmt.Sprintf("deep=%v", deep), func(b *testing.B) {
			s := NewSampler(cause.Counters())
			for b.Loop() {
				if _, err := s.Sample(deep); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
