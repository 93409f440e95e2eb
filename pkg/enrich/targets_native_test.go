// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"errors"
	"net/netip"
	"os"
	"testing"

	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/netns/netnstest"
	"github.com/synwatch/synwatch/pkg/provoke"
	"github.com/vishvananda/netlink"
)

// connectPod links a namespace to a router's, as a container is, and gives it an address.
func connectPod(t *testing.T, router, pod *os.File, name, address string) {
	t.Helper()
	needs.Able(t, provoke.MissingVeth(), provoke.ErrMissing)
	err := netns.Inside(router, func() error {
		link := &netlink.Veth{LinkAttrs: netlink.NewLinkAttrs(), PeerName: "eth0", PeerNamespace: netlink.NsFd(pod.Fd())}
		link.Name = name
		return errors.Join(netlink.LinkAdd(link), netlink.LinkSetUp(link))
	})
	if err != nil {
		t.Fatal(err)
	}
	err = netns.Inside(pod, func() error {
		link, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		addr, err := netlink.ParseAddr(address)
		return errors.Join(err, netlink.LinkSetUp(link), netlink.AddrAdd(link, addr), netnstest.LoopbackUp())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Two machines of a lab have containers with the same address, and one with its own.
func TestTargetsOfRouters(t *testing.T) {
	router, routerID := netnstest.New(t)
	other, otherID := netnstest.New(t)
	pod, podID := netnstest.New(t)
	same, sameID := netnstest.New(t)
	single, singleID := netnstest.New(t)
	connectPod(t, router, pod, "pod0", "10.213.0.2/24")
	connectPod(t, other, same, "pod0", "10.213.0.2/24")
	connectPod(t, other, single, "pod1", "10.213.1.2/24")
	pid := startServer(t, pod, "0.0.0.0:443")
	c := NewCache()
	defer c.Close()
	for name, test := range map[string]struct {
		from, want netns.ID
		dst        string
		pid        int
	}{
		"of the router":                {routerID, podID, "10.213.0.2:443", pid},
		"of the other one":             {otherID, sameID, "10.213.0.2:443", 0},
		"that only one has":            {otherID, singleID, "10.213.1.2:443", 0},
		"behind the other one":         {routerID, singleID, "10.213.1.2:443", 0},
		"not on this machine":          {routerID, netns.ID{}, "10.213.7.7:443", 0},
		"of two, linked to neither":    {singleID, netns.ID{}, "10.213.0.2:443", 0},
		"its own, whoever else has it": {podID, netns.ID{}, "10.213.0.2:443", pid},
	} {
		a := answer(t, c, Query{Netns: test.from, Dst: netip.MustParseAddrPort(test.dst), Target: true, Listener: true})
		var got netns.ID
		if a.Target != nil {
			got = a.Target.Netns
		}
		gotPID := 0
		if a.Listener != nil {
			gotPID = a.Listener.PID
		}
		if got != test.want || gotPID != test.pid {
			t.Errorf("%s: got %+v with %d, want %+v with %d", name, got, gotPID, test.want, test.pid)
		}
	}
}

func TestSenderIsDescribed(t *testing.T) {
	ns, id := netnstest.New(t)
	pid := startServer(t, ns, "0.0.0.0:443")
	c := NewCache()
	defer c.Close()
	q := Query{Netns: id}
	q.Sender.PID, q.Sender.Comm = pid, "exe"
	if p := answer(t, c, q).Sender; p == nil || p.PID != pid || p.Comm != "exe" {
		t.Errorf("got %+v", p)
	}
}
