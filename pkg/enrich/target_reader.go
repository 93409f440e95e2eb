// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"net/netip"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// targetReader reads the addresses of all network namespaces.
type targetReader struct {
	now     func() time.Time
	known   netns.Locations
	targets []netns.ID // those that were read last
}

func newTargetReader(now func() time.Time) *targetReader { return &targetReader{now: now} }

// readAll finds which namespaces have which addresses, and when it began to. Those that
// cannot be entered have none.
func (r *targetReader) readAll() (found map[netip.Addr][]*Target, began time.Time) {
	began = r.now()
	r.known = netns.Discover(false).OrKnown(r.known)
	r.targets = nil
	found = map[netip.Addr][]*Target{}
	_ = netns.OnThread(func(t *netns.Thread) error {
		for inode, at := range r.known {
			if len(r.targets) >= maxNamespaces {
				break
			}
			_ = t.Do(at, netns.ID{Inode: inode}, func(id netns.ID) error {
				addresses, err := netns.ReadAddresses()
				if err == nil {
					r.targets = append(r.targets, id)
					addTarget(found, addresses, newTarget(id, at, inode == t.Own()))
				}
				return err
			})
		}
		return nil
	})
	return found, began
}

func newTarget(id netns.ID, at netns.Location, own bool) *Target {
	t := &Target{Netns: id}
	p := at.Process()
	t.Container = p.Container
	if !own {
		t.Name = at.Name()
	}
	return t
}

func addTarget(found map[netip.Addr][]*Target, addresses *netns.Addresses, t *Target) {
	for ip := range addresses.Hosts() {
		if len(found) >= maxTargets && found[ip] == nil {
			return
		}
		found[ip] = append(found[ip], t)
	}
}

// readLinks lists the namespaces to which devices of one are linked, as one end of a veth
// pair is to that of the other.
func (r *targetReader) readLinks(from netns.ID) map[netns.ID]bool {
	linked := map[netns.ID]bool{}
	_ = netns.OnThread(func(t *netns.Thread) error {
		return t.Do(r.known[from.Inode], from, func(netns.ID) error {
			h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
			if err != nil {
				return err
			}
			defer h.Close()
			peers, err := readPeers(h)
			for _, target := range r.targets {
				if number, ok := r.numberOf(h, target); ok && peers[number] {
					linked[target] = true
				}
			}
			return err
		})
	})
	return linked
}

// numberOf is the number that the thread's namespace has for another one.
func (r *targetReader) numberOf(h *netlink.Handle, target netns.ID) (number int, ok bool) {
	at := r.known[target.Inode]
	file, err := at.Open(target.Inode)
	if err != nil {
		return 0, false
	}
	defer file.Close()
	number, err = h.GetNetNsIdByFd(int(file.Fd()))
	return number, err == nil && number >= 0 // NETNSA_NSID_NOT_ASSIGNED is -1
}

// readPeers lists the numbers of the namespaces to which devices are linked
// (IFLA_LINK_NETNSID, net/core/rtnetlink.c:rtnl_fill_link_netnsid).
func readPeers(h *netlink.Handle) (map[int]bool, error) {
	devices, err := h.LinkList()
	if err != nil {
		return nil, err
	}
	peers := map[int]bool{}
	for _, device := range devices {
		peers[device.Attrs().NetNsID] = true
	}
	return peers, nil
}
