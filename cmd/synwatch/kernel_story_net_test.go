// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// machines are network namespaces that stand for machines, joined by veth pairs.
// They have no name in the file system and vanish with the test.
type machines struct {
	*testing.T
	ns map[string]*os.File
}

// storyMachines makes machines that are one server, or more, of this VM. What a
// story changes is of the whole machine, so that it is told in a VM only.
func storyMachines(t *testing.T, names ...string) *machines {
	t.Helper()
	if os.Getenv("SYNWATCH_VM") != "1" {
		t.Skip("no throw-away VM: a story changes limits and files of the whole machine")
	}
	m := &machines{t, map[string]*os.File{}}
	for _, name := range names {
		m.add(name, func(fn func() error) error {
			return onOwnThread(func() error { return unix.Unshare(unix.CLONE_NEWNET) }, fn)
		})
	}
	return m
}

// add adds the machine on which do runs functions.
func (m *machines) add(name string, do func(func() error) error) {
	m.Helper()
	m.must(do(func() error {
		ns, err := os.Open("/proc/thread-self/ns/net")
		m.ns[name] = ns
		return err
	}))
	m.Cleanup(func() { m.ns[name].Close() })
	m.do(name, func() error { return m.up("lo") })
}

// onOwnThread runs fn on a thread that ends with it. The main thread cannot end.
func onOwnThread(enter, fn func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			done <- onOwnThread(enter, fn)
			runtime.UnlockOSThread()
			return
		}
		err := enter()
		if err == nil {
			err = fn()
		}
		done <- err
	}()
	return <-done
}

// do runs fn on a machine.
func (m *machines) do(name string, fn func() error) {
	m.Helper()
	m.must(onOwnThread(func() error { return unix.Setns(int(m.ns[name].Fd()), unix.CLONE_NEWNET) }, fn))
}

func (m *machines) must(errs ...error) {
	m.Helper()
	if err := errors.Join(errs...); err != nil {
		m.Fatal(err)
	}
}

// inode is the number of a machine's network namespace.
func (m *machines) inode(name string) uint32 {
	var st unix.Stat_t
	m.must(unix.Fstat(int(m.ns[name].Fd()), &st))
	return uint32(st.Ino)
}

func (m *machines) up(device string) error {
	link, err := netlink.LinkByName(device)
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

// join joins two machines by a cable, whose ends have these addresses and are
// named after each other.
func (m *machines) join(a, aAddr, b, bAddr string) {
	m.Helper()
	m.do(a, func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = b
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: a, PeerNamespace: netlink.NsFd(m.ns[b].Fd())})
	})
	m.address(a, b, aAddr)
	m.address(b, a, bAddr)
}

func (m *machines) address(name, device, addr string) {
	m.Helper()
	m.do(name, func() error {
		link, err := netlink.LinkByName(device)
		if err != nil {
			return err
		}
		a, err := netlink.ParseAddr(addr)
		if err != nil {
			return err
		}
		return errors.Join(netlink.AddrAdd(link, a), netlink.LinkSetUp(link))
	})
}

// gateway has a machine reach all others through one.
func (m *machines) gateway(name, gw string) {
	m.Helper()
	m.do(name, func() error {
		return netlink.RouteAdd(&netlink.Route{Dst: nil, Gw: netip.MustParseAddr(gw).AsSlice()})
	})
}

func (m *machines) sysctl(name, key, value string) {
	m.Helper()
	m.do(name, func() error {
		return os.WriteFile("/proc/sys/"+strings.ReplaceAll(key, ".", "/"), []byte(value), 0)
	})
}

// setGlobal sets a sysctl of the whole machine for the time of the test.
func (m *machines) setGlobal(key, value string) {
	m.Helper()
	path := "/proc/sys/" + strings.ReplaceAll(key, ".", "/")
	home := func() error { return nil }
	m.must(onOwnThread(home, func() error {
		old, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		m.Cleanup(func() { m.must(onOwnThread(home, func() error { return os.WriteFile(path, old, 0) })) })
		return os.WriteFile(path, []byte(value), 0)
	}))
}

// counters are the kernel's for TCP on a machine, as nstat names them.
func (m *machines) counters(name string) map[string]uint64 {
	m.Helper()
	values := map[string]uint64{}
	m.do(name, func() error {
		for _, file := range []string{"snmp", "netstat"} {
			text, err := os.ReadFile("/proc/thread-self/net/" + file)
			if err != nil {
				return err
			}
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")
			for i := 0; i+1 < len(lines); i += 2 {
				names, numbers := strings.Fields(lines[i]), strings.Fields(lines[i+1])
				for j := 1; j < len(names); j++ {
					values[strings.TrimSuffix(names[0], ":")+names[j]], _ = strconv.ParseUint(numbers[j], 10, 64) // TcpMaxConn is -1
				}
			}
		}
		return nil
	})
	return values
}

// synsSent is how many SYNs a machine has sent since it began, as its own kernel
// counts them.
func (m *machines) synsSent(name string) uint64 {
	m.Helper()
	c := m.counters(name)
	return c["TcpActiveOpens"] + c["TcpExtTCPSynRetrans"]
}

// dial begins n connections to a server, from these ports on or from any if it is
// 0, and returns the sockets.
func (m *machines) dial(name, server string, n int, port uint16) (fds []int) {
	m.Helper()
	to := netip.MustParseAddrPort(server)
	m.do(name, func() error {
		for i := range n {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
			if err != nil {
				return err
			}
			fds = append(fds, fd)
			if port != 0 {
				own := &unix.SockaddrInet4{Port: int(port) + i}
				if err := errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1), unix.Bind(fd, own)); err != nil {
					return err
				}
			}
			err = unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())})
			if err != nil && !errors.Is(err, unix.EINPROGRESS) {
				return err
			}
		}
		return nil
	})
	return fds
}

// connected waits until all of the sockets are.
func (m *machines) connected(fds []int) {
	m.Helper()
	for _, fd := range fds {
		m.await("a connection", func() bool {
			poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
			n, err := unix.Poll(poll, 50)
			if err != nil || n == 0 {
				return false
			}
			errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
			if errno != 0 || err != nil {
				m.Fatalf("connect: %v, %v", unix.Errno(errno), err)
			}
			return true
		})
	}
}

func (m *machines) hangUp(fds []int) {
	m.Helper()
	for _, fd := range fds {
		m.must(unix.Close(fd))
	}
}

// await waits for what has to come at last.
func (m *machines) await(what string, come func() bool) {
	m.Helper()
	for deadline := time.Now().Add(time.Minute); !come(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			m.Fatalf("%s did not come", what)
		}
	}
}

// program starts this test binary under another name on a machine, as which it
// is another program: see TestMain.
func (m *machines) program(name string, args ...string) *exec.Cmd {
	m.Helper()
	self, err := os.Executable()
	m.must(err)
	path := filepath.Join(m.TempDir(), name)
	m.must(os.Symlink(self, path))
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=1", asProgram))
	return cmd
}

// start starts a command on a machine.
func (m *machines) start(on string, cmd *exec.Cmd) {
	m.Helper()
	m.do(on, cmd.Start)
}
