// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"bufio"
	"context"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/netns/netnstest"
	"golang.org/x/sys/unix"
)

// listenVar has the address on which the test binary is to listen as a server,
// in the network namespace of its third descriptor.
const listenVar = "SYNWATCH_TEST_LISTEN"

func TestMain(m *testing.M) {
	if addr := os.Getenv(listenVar); addr != "" {
		serve(addr)
	}
	os.Exit(m.Run())
}

// serve listens until it is killed.
func serve(addr string) {
	err := netns.OnThread(func(*netns.Thread) error {
		if err := unix.Setns(3, unix.CLONE_NEWNET); err != nil {
			return err
		}
		config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) {
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
			})
		}}
		network := "tcp" // both stacks
		if netip.MustParseAddrPort(addr).Addr().Is4() {
			network = "tcp4"
		}
		ln, err := config.Listen(context.Background(), network, addr)
		if err != nil {
			return err
		}
		defer ln.Close()
		os.Stdout.WriteString("ready\n")
		time.Sleep(time.Hour) // not select {}, which the runtime may call a deadlock
		return nil
	})
	os.Stdout.WriteString(err.Error() + "\n")
	os.Exit(1)
}

// startServer returns the process ID of another process that listens.
func startServer(t *testing.T, ns *os.File, addr string) int {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), listenVar+"="+addr)
	cmd.ExtraFiles = []*os.File{ns}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("no server on %s: %q", addr, line)
	}
	return cmd.Process.Pid
}

// answer asks until there is an answer, as watch does, but for longer.
func answer(t *testing.T, d *Cache, q Query) (a Answer) {
	t.Helper()
	q.Since = time.Now()
	netnstest.Await(t, "an answer", func() (all bool) {
		a, all = d.Ask(q)
		return all
	})
	return a
}

func TestCacheInAnotherNamespace(t *testing.T) {
	ns, id := netnstest.New(t)
	if err := netns.Inside(ns, netnstest.LoopbackUp); err != nil {
		t.Fatal(err)
	}
	first := startServer(t, ns, "0.0.0.0:443")
	startServer(t, ns, "0.0.0.0:443")
	special := startServer(t, ns, "127.0.0.1:443")
	dual := startServer(t, ns, "[::]:80")
	d := NewCache()
	defer d.Close()
	for dst, want := range map[string]struct{ pid, shared int }{
		"10.0.0.1:443": {first, 1}, "127.0.0.1:443": {special, 0}, "10.0.0.1:80": {dual, 0}, "[fd00::1]:80": {dual, 0},
		"10.0.0.1:444": {}, "[fd00::1]:443": {},
	} {
		l := answer(t, d, Query{Netns: id, Dst: netip.MustParseAddrPort(dst), Listener: true}).Listener
		switch {
		case l == nil && want.pid == 0:
		case l == nil || l.PID != want.pid || l.Shared != want.shared || l.Comm == "":
			t.Errorf("%s: got %+v, want %+v", dst, l, want)
		}
	}
	late := startServer(t, ns, "0.0.0.0:8080")
	q := Query{Netns: id, Dst: netip.MustParseAddrPort("10.0.0.1:8080"), Listener: true}
	if l := answer(t, d, q).Listener; l == nil || l.PID != late {
		t.Errorf("one that came later: %+v, want %d", l, late)
	}
	if a := answer(t, d, Query{Netns: id, Ifindex: 1}); a.Interface != "lo" {
		t.Errorf("interface %q", a.Interface)
	}
	if _, err := os.Stat("/proc/sys/net/netfilter/nf_conntrack_max"); err == nil {
		a := answer(t, d, Query{Netns: id, Conntrack: true})
		if a.Conntrack == nil || a.Conntrack.Count != 0 || a.Conntrack.Max == 0 || a.Conntrack.Buckets == 0 {
			t.Errorf("conntrack %+v", a.Conntrack)
		}
	}
	if own, ok := netns.Own(); !ok {
		t.Error("no own namespace")
	} else if a := answer(t, d, Query{Netns: netns.ID{Inode: own}, Dst: netip.MustParseAddrPort("10.0.0.1:443"), Listener: true}); a.Listener != nil && a.Listener.PID == first {
		t.Errorf("the machine's own namespace has it: %+v", a.Listener)
	}
}

// A namespace that is gone has no listener, even if another one has its number now.
func TestCacheOfANumberThatIsGivenAgain(t *testing.T) {
	c := NewCache()
	defer c.Close()
	dst := netip.MustParseAddrPort("10.0.0.1:443")
	var old netns.ID
	first := func(_ *os.File, id netns.ID) {
		old = id
		answer(t, c, Query{Netns: old, Dst: dst, Listener: true})
	}
	netnstest.Reuse(t, first, func(ns *os.File, id netns.ID) {
		pid := startServer(t, ns, "0.0.0.0:443")
		if l := answer(t, c, Query{Netns: id, Dst: dst, Listener: true}).Listener; l == nil || l.PID != pid {
			t.Errorf("the new namespace: %+v, want process %d", l, pid)
		}
		if l := answer(t, c, Query{Netns: old, Dst: dst, Listener: true}).Listener; l != nil && id.Differs(old) {
			t.Errorf("the old namespace has the listener of the new one: %+v", l)
		}
	})
}

func BenchmarkCache(b *testing.B) {
	d := NewCache()
	defer d.Close()
	own, _ := netns.Own()
	q := Query{Since: time.Now(), Netns: netns.ID{Inode: own}, Dst: netip.MustParseAddrPort("10.0.0.1:22"), Listener: true}
	for b.Loop() {
		d.Ask(q)
	}
}
