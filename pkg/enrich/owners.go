// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"time"

	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/sockets"
)

// ownersCache is which processes have the sockets.
type ownersCache struct {
	found    *sockets.Owners
	searched map[uint64]bool // the sockets whose owners were searched
	read     time.Time
	cost     time.Duration
	want     bool
}

// owner says whose sockets these are, and whether that is certain.
func (c *Cache) owner(found []sockets.Socket, q *Query, now time.Time) (*Listener, bool) {
	o := &c.owners
	known := now.Sub(o.read) <= 2*max(refresh, share*o.cost)
	for _, s := range found {
		known = known && o.searched[s.Inode]
	}
	if !known {
		o.want = true
		c.ownerWorker.wake()
	}
	l := &Listener{Port: q.Dst.Port()}
	l.Process, l.Shared = o.found.Of(found)
	return l, known
}

// readOwners finds out which processes have the sockets.
func (c *Cache) readOwners() {
	for {
		pause := c.ownersPause()
		select {
		case <-c.stop:
			return
		case <-c.ownerWorker:
		case <-time.After(pause):
		}
		c.wait(c.owners.waitFor)
		if inodes := c.ownersToRead(); inodes != nil {
			c.findOwners(proc.Dir, inodes)
		}
	}
}

// ownersPause is how long to wait for the next query.
func (c *Cache) ownersPause() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inUse(c.now()) {
		return refresh / 5
	}
	return idleWait
}

func (o *ownersCache) waitFor(now time.Time) time.Duration {
	return max(leastWait, share*o.cost) - now.Sub(o.read)
}

// ownersToRead returns the sockets whose owners must be read, nil for none.
func (c *Cache) ownersToRead() map[uint64]bool {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	o := &c.owners
	if !o.want && (!c.inUse(now) || now.Sub(o.read) < max(refresh, share*o.cost)) {
		return nil
	}
	o.want, o.read = false, now
	inodes := map[uint64]bool{}
	for _, n := range c.namespaces.All() {
		for _, s := range n.sockets {
			inodes[s.Inode] = true
		}
		for _, s := range n.closed {
			inodes[s.Inode] = true
		}
	}
	return inodes
}

// findOwners finds the owners of sockets and who they are. Those of a socket that
// is closed by now are kept.
func (c *Cache) findOwners(dir string, inodes map[uint64]bool) {
	began := c.now()
	found := sockets.FindOwners(dir, inodes)
	c.mu.Lock()
	defer c.mu.Unlock()
	o := &c.owners
	found.Keep(o.found, inodes)
	o.found, o.searched, o.cost = found, inodes, c.now().Sub(began)
}
