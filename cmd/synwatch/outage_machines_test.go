// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/provoke"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// machines are network namespaces that stand for machines, joined by cables.
// They have no name in the file system and vanish with the test.
type machines struct {
	*testing.T
	ns map[string]*os.File
}

// newMachines makes the machines of an outage. It skips the test outside of a VM, as
// an outage sets sysctls of the whole machine.
func newMachines(t *testing.T, names ...string) *machines {
	t.Helper()
	needs.VM(t)
	needs.FewKernels(t)
	m := &machines{t, map[string]*os.File{}}
	for _, name := range names {
		m.add(name, netns.InsideNew)
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

// do runs fn on a machine.
func (m *machines) do(name string, fn func() error) {
	m.Helper()
	m.must(netns.Inside(m.ns[name], fn))
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
	m.must(provoke.JoinNetns(m.ns[a], b, m.ns[b], a))
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
	m.must(netns.OnNewThread(home, func() error {
		old, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		m.Cleanup(func() { m.must(netns.OnNewThread(home, func() error { return os.WriteFile(path, old, 0) })) })
		return os.WriteFile(path, []byte(value), 0)
	}))
}

// program returns a command that runs this test binary as another program: see
// TestMain.
func (m *machines) program(name string, args ...string) *exec.Cmd {
	m.Helper()
	self, err := os.Executable()
	m.must(err)
	path := filepath.Join(m.TempDir(), name)
	m.must(os.Symlink(self, path))
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// start starts a command on a machine.
func (m *machines) start(on string, cmd *exec.Cmd) {
	m.Helper()
	m.do(on, cmd.Start)
}

// rule gives a machine's firewall a rule, in a table and a chain of its own.
func (m *machines) rule(name string, table nftables.Table, chain nftables.Chain, does ...expr.Any) {
	m.Helper()
	c, err := nftables.New(nftables.WithNetNSFd(int(m.ns[name].Fd())))
	m.must(err)
	chain.Table = c.AddTable(&table)
	c.AddRule(&nftables.Rule{Table: chain.Table, Chain: c.AddChain(&chain), Exprs: does})
	m.must(c.Flush())
}

// masquerade has a machine put its own address in place of the senders' on what
// leaves by a device.
func (m *machines) masquerade(name, device string) {
	m.Helper()
	out := make([]byte, unix.IFNAMSIZ)
	copy(out, device)
	m.rule(name, nftables.Table{Family: nftables.TableFamilyIPv4, Name: "nat"}, nftables.Chain{
		Name: "postrouting", Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource,
	}, &expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: out}, &expr.Masq{})
}
