// SPDX-License-Identifier: Apache-2.0

package netns_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/netns/netnstest"
	"github.com/synwatch/synwatch/pkg/provoke"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// device adds a device with addresses to the calling thread's namespace.
func device(name string, addresses ...string) (netlink.Link, error) {
	here, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, err
	}
	defer here.Close()
	if err := provoke.JoinNetns(here, name, here, name+"peer"); err != nil {
		return nil, err
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		return nil, err
	}
	errs := []error{netlink.LinkSetUp(link)}
	for _, a := range addresses {
		addr, err := netlink.ParseAddr(a)
		if err == nil {
			addr.Flags = unix.IFA_F_NODAD
			err = netlink.AddrAdd(link, addr)
		}
		errs = append(errs, err)
	}
	return link, errors.Join(errs...)
}

// anyIP makes a whole prefix local.
func anyIP(prefix string) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	_, dst, err := net.ParseCIDR(prefix)
	if err != nil {
		return err
	}
	return netlink.RouteAdd(&netlink.Route{LinkIndex: lo.Attrs().Index, Dst: dst, Type: unix.RTN_LOCAL, Table: unix.RT_TABLE_LOCAL, Scope: unix.RT_SCOPE_HOST})
}

// route adds a route by which packets are forwarded.
func route(link netlink.Link, prefix string) error {
	_, dst, err := net.ParseCIDR(prefix)
	if err != nil {
		return err
	}
	return netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: dst})
}

func readIn(t *testing.T, ns *os.File) (a *netns.Addresses) {
	t.Helper()
	err := netns.Inside(ns, func() (err error) {
		a, err = netns.ReadAddresses()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAddresses(t *testing.T) {
	ns, _ := netnstest.New(t)
	if has, all := readIn(t, ns).Has(netip.MustParseAddr("10.1.0.1")); has || !all {
		t.Errorf("a new namespace has it: %v, %v", has, all)
	}
	err := netns.Inside(ns, func() error {
		link, err := device("eth0", "10.1.0.1/24", "10.1.0.2/24", "10.1.0.3/32", "fd00::1/64")
		return errors.Join(netnstest.LoopbackUp(), err, anyIP("10.99.0.0/16"), anyIP("fd99::/48"), route(link, "10.2.0.0/16"))
	})
	if err != nil {
		t.Fatal(err)
	}
	a := readIn(t, ns)
	for ip, want := range map[string]bool{
		"10.1.0.1": true, "10.1.0.2": true, "10.1.0.3": true, "10.1.0.255": true, "10.1.0.4": false,
		"fd00::1": true, "fd00::2": false, "127.0.0.1": true, "127.8.8.8": true, "::1": true,
		"10.99.7.7": true, "fd99::7": true, "10.2.0.1": false, "192.0.2.1": false,
		"224.0.0.1": true, "255.255.255.255": true, "ff02::1": true,
	} {
		if has, all := a.Has(netip.MustParseAddr(ip)); has != want || !all {
			t.Errorf("%s: %v, certain %v", ip, has, all)
		}
	}
	var hosts []string
	for ip := range a.Hosts() {
		hosts = append(hosts, ip.String())
	}
	slices.Sort(hosts)
	if want := []string{"10.1.0.1", "10.1.0.2", "10.1.0.3", "fd00::1"}; !slices.Equal(hosts, want) {
		t.Errorf("hosts %v, want %v", hosts, want)
	}
}

// The local routes of a VRF's devices are in its own table.
func TestAddressesOfAVRF(t *testing.T) {
	ns, _ := netnstest.New(t)
	err := netns.Inside(ns, func() error {
		vrf := &netlink.Vrf{LinkAttrs: netlink.NewLinkAttrs(), Table: 10}
		vrf.Name = "red"
		if err := netlink.LinkAdd(vrf); err != nil {
			return err
		}
		link, err := device("eth0")
		if err != nil {
			return err
		}
		addr, err := netlink.ParseAddr("10.3.0.1/24")
		return errors.Join(err, netlink.LinkSetUp(vrf), netlink.LinkSetMaster(link, vrf), netlink.AddrAdd(link, addr))
	})
	needs.Able(t, err, unix.EOPNOTSUPP) // of kernels without VRFs
	if err != nil {
		t.Fatal(err)
	}
	if has, _ := readIn(t, ns).Has(netip.MustParseAddr("10.3.0.1")); !has {
		t.Error("the address is not found")
	}
}

// A namespace that is gone has no addresses, even if another one has its number now.
func TestAddressReaderOfANumberThatIsGivenAgain(t *testing.T) {
	r := netns.NewAddressReader()
	ip := netip.MustParseAddr("10.1.0.1")
	var old netns.ID
	first := func(_ *os.File, id netns.ID) { old = id }
	netnstest.Reuse(t, first, func(ns *os.File, id netns.ID) {
		err := netns.Inside(ns, func() error {
			_, err := device("eth0", "10.1.0.1/24")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if local, known, _ := r.Local(id, ip); !local || !known {
			t.Errorf("the new namespace: %v, %v", local, known)
		}
		if local, known, _ := r.Local(old, ip); id.Differs(old) && (local || known) {
			t.Errorf("the old namespace has the addresses of the new one: %v, %v", local, known)
		}
	})
}

func TestAddressReaderFindsWhatIsNew(t *testing.T) {
	r := netns.NewAddressReader()
	ns, id := netnstest.New(t)
	ip := netip.MustParseAddr("10.1.0.1")
	if local, known, _ := r.Local(id, ip); local || !known {
		t.Errorf("before: %v, %v", local, known)
	}
	err := netns.Inside(ns, func() error {
		_, err := device("eth0", "10.1.0.1/24")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	netnstest.Await(t, "the address", func() bool {
		local, _, _ := r.Local(id, ip)
		return local
	})
	own, _ := netns.Own()
	if local, known, _ := r.Local(netns.ID{Inode: own}, netip.MustParseAddr("127.0.0.1")); !local || !known {
		t.Errorf("the process's own: %v, %v", local, known)
	}
	if _, known, _ := r.Local(netns.ID{Inode: 1}, ip); known {
		t.Error("the addresses of a namespace that is not there are known")
	}
}

// It is kept by another process's open file only.
func TestAddressReaderSearchesDeeply(t *testing.T) {
	ns, id := netnstest.New(t)
	err := netns.Inside(ns, func() error {
		_, err := device("eth0", "10.1.0.1/24")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	keeper := exec.Command("sleep", "60")
	keeper.ExtraFiles = []*os.File{ns}
	if err := keeper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = keeper.Process.Kill()
		_ = keeper.Wait()
	})
	ns.Close()
	if local, known, _ := netns.NewAddressReader().Local(id, netip.MustParseAddr("10.1.0.1")); !local || !known {
		t.Errorf("%v, %v", local, known)
	}
}

func BenchmarkReadAddresses(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := netns.ReadAddresses(); err != nil {
			b.Fatal(err)
		}
	}
}
