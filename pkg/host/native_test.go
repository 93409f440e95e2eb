// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bufio"
	"context"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
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
	err := travel(func(*traveller) error {
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
func answer(t *testing.T, d *Directory, q Question) (a Answer) {
	t.Helper()
	q.Since = time.Now()
	await(t, "an answer", func() (all bool) {
		a, all = d.Ask(q)
		return all
	})
	return a
}

func TestDirectoryInAnotherNamespace(t *testing.T) {
	ns, inum := newNetns(t)
	err := travel(func(r *traveller) error {
		return r.visit("/proc/self/fd/"+itoa(ns.Fd()), inum, func() error {
			lo, err := netlink.LinkByName("lo")
			if err != nil {
				return err
			}
			return netlink.LinkSetUp(lo)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	first := startServer(t, ns, "0.0.0.0:443")
	startServer(t, ns, "0.0.0.0:443")
	special := startServer(t, ns, "127.0.0.1:443")
	dual := startServer(t, ns, "[::]:80")
	d := NewDirectory()
	defer d.Close()
	for dst, want := range map[string]struct{ pid, shared int }{
		"10.0.0.1:443": {first, 1}, "127.0.0.1:443": {special, 0}, "10.0.0.1:80": {dual, 0}, "[fd00::1]:80": {dual, 0},
		"10.0.0.1:444": {}, "[fd00::1]:443": {},
	} {
		l := answer(t, d, Question{Netns: inum, Dst: netip.MustParseAddrPort(dst), Listener: true}).Listener
		switch {
		case l == nil && want.pid == 0:
		case l == nil || l.PID != want.pid || l.Shared != want.shared || l.Comm == "":
			t.Errorf("%s: got %+v, want %+v", dst, l, want)
		}
	}
	late := startServer(t, ns, "0.0.0.0:8080")
	q := Question{Netns: inum, Dst: netip.MustParseAddrPort("10.0.0.1:8080"), Listener: true}
	if l := answer(t, d, q).Listener; l == nil || l.PID != late {
		t.Errorf("one that came later: %+v, want %d", l, late)
	}
	if a := answer(t, d, Question{Netns: inum, Ifindex: 1}); a.Interface != "lo" {
		t.Errorf("interface %q", a.Interface)
	}
	if _, err := os.Stat(sysctlConntrack + "/nf_conntrack_max"); err == nil {
		a := answer(t, d, Question{Netns: inum, Conntrack: true})
		if a.Conntrack == nil || a.Conntrack.Count != 0 || a.Conntrack.Max == 0 || a.Conntrack.Buckets == 0 {
			t.Errorf("conntrack %+v", a.Conntrack)
		}
	}
	if own, ok := netnsLink(ownNetns); !ok {
		t.Error("no own namespace")
	} else if a := answer(t, d, Question{Netns: own, Dst: netip.MustParseAddrPort("10.0.0.1:443"), Listener: true}); a.Listener != nil && a.Listener.PID == first {
		t.Errorf("the machine's own namespace has it: %+v", a.Listener)
	}
}

func itoa(fd uintptr) string { return strconv.Itoa(int(fd)) }

func TestBothWaysToListSockets(t *testing.T) {
	ns, inum := newNetns(t)
	startServer(t, ns, "127.0.0.1:443")
	startServer(t, ns, "[::]:80")
	var diag, proc []socket
	err := travel(func(r *traveller) error {
		return r.visit("/proc/self/fd/"+itoa(ns.Fd()), inum, func() (err error) {
			if diag, err = listening(); err != nil {
				return err
			}
			proc, err = listeningInProc()
			return err
		})
	})
	for i := range diag {
		if q := diag[i].queues; q == nil || q.limit == 0 || q.waiting != 0 || q.drops == nil || *q.drops != 0 {
			t.Errorf("queues of %s: %+v", diag[i].addr, q)
		}
		diag[i].queues = nil // which /proc does not tell
	}
	if err != nil || len(diag) != 2 || !slices.Equal(diag, proc) {
		t.Errorf("%v, by sock_diag %+v, by /proc %+v", err, diag, proc)
	}
}

func BenchmarkDirectory(b *testing.B) {
	d := NewDirectory()
	defer d.Close()
	own, _ := netnsLink(ownNetns)
	q := Question{Since: time.Now(), Netns: own, Dst: netip.MustParseAddrPort("10.0.0.1:22"), Listener: true}
	for b.Loop() {
		d.Ask(q)
	}
}
