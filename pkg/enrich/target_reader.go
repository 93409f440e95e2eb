// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"net/netip"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// targetReader reads the addresses of all network namespaces.
type targetReader struct {
	now   func() time.Time
	known netns.Locations
	// read is what was read last of the namespaces that are known, by inode number.
	read map[uint32]*readTarget
}

// readTarget is a namespace with its addresses.
type readTarget struct {
	*Target
	hosts []netip.Addr
}

func newTargetReader(now func() time.Time) *targetReader {
	return &targetReader{now: now, read: map[uint32]*readTarget{}}
}

// readAll finds which namespaces have which addresses, and when it began to. It reads
// only those that are new, and those that had none, unless it is to read all again. Those
// that cannot be entered have none.
func (r *targetReader) readAll(again bool) (found map[netip.Addr][]*Target, began time.Time) {
	began = r.now()
	r.known = netns.Discover(false).OrKnown(r.known)
	before := r.read
	r.read = make(map[uint32]*readTarget, len(r.known))
	_ = netns.OnThread(func(t *netns.Thread) error {
		for inode, at := range r.known {
			if len(r.read) >= maxNamespaces {
				break
			}
			if old := before[inode]; old != nil && len(old.hosts) > 0 && !again {
				r.read[inode] = old
				continue
			}
			_ = t.Do(at, netns.ID{Inode: inode}, func(id netns.ID) error {
				addresses, err := netns.ReadAddresses()
				if err == nil {
					r.read[inode] = &readTarget{newTarget(id, at, inode == t.Own()), slices.Collect(addresses.Hosts())}
				}
				return err
			})
		}
		return nil
	})
	return r.byAddr(), began
}

// byAddr lists the namespaces by their addresses.
func (r *targetReader) byAddr() map[netip.Addr][]*Target {
	found := map[netip.Addr][]*Target{}
	for _, t := range r.read {
		for _, ip := range t.hosts {
			if len(found) < maxTargets || found[ip] != nil {
				found[ip] = append(found[ip], t.Target)
			}
		}
	}
	return found
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

// readLinks says which of some namespaces devices of one are linked to, as one end of a
// veth pair is to that of the other.
func (r *targetReader) readLinks(from netns.ID, wanted []netns.ID) map[netns.ID]bool {
	linked := make(map[netns.ID]bool, len(wanted))
	for _, to := range wanted {
		linked[to] = false
	}
	_ = netns.OnThread(func(t *netns.Thread) error {
		return t.Do(r.known[from.Inode], from, func(netns.ID) error {
			h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
			if err != nil {
				return err
			}
			defer h.Close()
			peers, err := readPeers(h)
			for _, to := range wanted {
				number, ok := r.numberOf(h, to)
				linked[to] = ok && peers[number]
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
