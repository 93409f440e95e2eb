// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"time"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/vishvananda/netlink"
)

// maxWarm bounds the namespaces that are read before anybody asks.
const maxWarm = 1024

// reading is what to read in one namespace, and what was read.
type reading struct {
	id          netns.ID
	wantSockets bool
	interfaces  []uint32
	wantUsage   bool

	began   time.Time // zero: it was not tried
	took    time.Duration
	gone    bool // the namespace is
	sockets []sockets.Socket
	names   map[uint32]string
	usage   *conntrack.Usage
}

// readNamespaces reads in the namespaces what was asked for.
func (c *Cache) readNamespaces() {
	f := newFinder(c.now)
	c.warm(f.known)
	for pause := time.Duration(0); ; {
		select {
		case <-c.stop:
			return
		case <-c.namespaceWorker:
		case <-time.After(pause):
		}
		var readings []*reading
		readings, pause = c.readings()
		f.run(readings)
		c.report(readings)
	}
}

// warm asks about every namespace, so that the first records need not wait.
func (c *Cache) warm(known netns.Locations) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for inode := range known {
		if c.namespaces.Len() < maxWarm {
			c.namespace(netns.ID{Inode: inode}).wantSockets = true
		}
	}
	c.owners.want = true
}

// readings collects what must be read now, and when to look again. It removes the
// namespaces that are gone and without queries.
func (c *Cache) readings() (readings []*reading, pause time.Duration) {
	now := c.now()
	pause = idleWait
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inUse(now) {
		pause = refresh / 5
	}
	for id, n := range c.namespaces.All() {
		if !c.cookies && !c.namespaces.Latest(id) {
			n.gone = true // as records show another one with the number
		}
		if n.gone {
			if !n.inUse(now) {
				c.namespaces.Remove(id)
			}
			continue
		}
		r := n.reading(id, now)
		if n.wantSockets && !r.wantSockets {
			pause = leastWait // too soon
		}
		if r.wantSockets || r.wantUsage || r.interfaces != nil {
			readings = append(readings, r)
		}
	}
	return readings, pause
}

func (n *namespace) reading(id netns.ID, now time.Time) *reading {
	r := &reading{id: id, wantUsage: n.wantUsage}
	age := now.Sub(n.socketsRead)
	again := n.inUse(now) && age >= max(refresh, share*n.cost)
	r.wantSockets = again || n.wantSockets && age >= max(leastWait, share*n.cost)
	for ifindex, i := range n.interfaces {
		switch {
		case now.Sub(i.used) >= 2*refresh:
			delete(n.interfaces, ifindex)
		case again || !i.read:
			r.interfaces = append(r.interfaces, ifindex)
		}
	}
	return r
}

// read reads what is asked for, in the thread's namespace. What cannot be read is
// not there.
func (r *reading) read() {
	if r.wantSockets {
		r.sockets, _ = sockets.Listening()
	}
	if r.wantUsage {
		r.usage, _ = conntrack.ReadUsage()
	}
	for _, ifindex := range r.interfaces {
		r.names[ifindex] = ""
		if link, err := netlink.LinkByIndex(int(ifindex)); err == nil {
			r.names[ifindex] = link.Attrs().Name
		}
	}
}

// report enters what was read.
func (c *Cache) report(readings []*reading) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range readings {
		n := c.namespaces.Get(r.id)
		if n == nil || r.began.IsZero() {
			continue
		}
		if n.gone = r.gone; n.gone {
			continue
		}
		if n.enter(r, c.owners.searched) {
			c.owners.want = true
			c.ownerWorker.wake()
		}
	}
}
