// SPDX-License-Identifier: Apache-2.0

// Package enrich finds what belongs to a packet's addresses on this machine: the process
// that listens there, how full the connection tracking table is, the interface's name.
package enrich

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/sockets"
)

const (
	// refresh is how often what is in use is read again.
	refresh = 5 * time.Second
	// idleWait is how long the workers wait while there are no queries.
	idleWait = time.Minute
	// leastWait is the least time between two reads of the same thing, and share
	// bounds what reading may take: one part in so many.
	leastWait = 20 * time.Millisecond
	share     = 20
	// usageFor is how long the fill of a connection tracking table is good for.
	usageFor = time.Second
	// closedFor is how long a socket is remembered that was closed, and missFor
	// how long it is believed that nothing listens.
	closedFor = refresh
	missFor   = time.Second
	// These bound the memory: network namespaces, and of each the destinations
	// without a listener and the interfaces.
	maxNamespaces, maxMisses, maxInterfaces = 4096, 4096, 4096
)

// Query asks for what is known about a packet.
type Query struct {
	// Since is when the query came up: what was read before says nothing about
	// what is missing.
	Since time.Time
	Netns netns.ID
	// Dst is the local address, Ifindex the interface that the packet came in
	// on, 0 for unknown.
	Dst     netip.AddrPort
	Ifindex uint32
	// Listener asks who listens at Dst, Conntrack how full the table is.
	Listener, Conntrack bool
}

// Answer is as much as is known.
type Answer struct {
	Listener  *Listener        // nil where nothing listens
	Conntrack *conntrack.Usage // nil where there is no table
	Interface string           // the name of Ifindex
}

// Listener is who listens on a port.
type Listener struct {
	Port uint16
	// Process is the eldest of those that have the port, a master that only waits for
	// its workers aside; without a PID where
	// that may not be known.
	proc.Process
	// Shared is how many further processes have it: by sockets of their own
	// (SO_REUSEPORT) or by one that they inherited.
	Shared int
}

// Cache answers queries from memory. What it does not know, or has not read for a
// while, it reads in the background.
type Cache struct {
	now      func() time.Time
	stop     chan struct{}
	stopping sync.Once
	workers  sync.WaitGroup
	// namespaceWorker reads network namespaces, ownerWorker which processes have
	// the sockets.
	namespaceWorker, ownerWorker worker

	// cookies says that user space can read the cookies of namespaces.
	cookies bool

	mu         sync.Mutex
	namespaces *netns.Table[namespace]
	owners     ownersCache
}

// worker is a goroutine that can be woken.
type worker chan struct{}

func (w worker) wake() {
	select {
	case w <- struct{}{}:
	default:
	}
}

// NewCache returns a Cache that begins to read.
func NewCache() *Cache {
	c := newCache(time.Now)
	c.cookies = netns.CookiesReadable()
	c.workers.Add(2)
	go c.readNamespaces()
	go c.readOwners()
	return c
}

func newCache(now func() time.Time) *Cache {
	return &Cache{
		now: now, stop: make(chan struct{}), namespaceWorker: make(worker, 1), ownerWorker: make(worker, 1),
		namespaces: netns.NewTable[namespace](), owners: ownersCache{found: &sockets.Owners{}},
	}
}

// Close ends the reading, also when it is called again. Queries are still
// answered.
func (c *Cache) Close() error {
	c.stopping.Do(func() { close(c.stop) })
	c.workers.Wait()
	return nil
}

// Ask returns at once what is known, and whether that is all that can be.
func (c *Cache) Ask(q Query) (a Answer, all bool) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.namespace(q.Netns)
	idle := now.Sub(n.used) > refresh
	n.used = now
	all = true
	if q.Listener {
		var known bool
		a.Listener, known = c.listener(n, &q, now)
		all = all && known
	}
	if q.Conntrack {
		a.Conntrack = n.usage
		n.wantUsage = now.Sub(n.usageRead) > usageFor
		all = all && !n.wantUsage
	}
	if q.Ifindex != 0 {
		var known bool
		a.Interface, known = n.interfaceName(q.Ifindex, now)
		all = all && known
	}
	if n.gone {
		return a, true
	}
	if !all || idle {
		c.namespaceWorker.wake()
	}
	if idle {
		c.ownerWorker.wake()
	}
	return a, all
}

// namespace finds a namespace or adds it.
func (c *Cache) namespace(id netns.ID) *namespace {
	n := c.namespaces.Get(id)
	if n == nil {
		if c.namespaces.Len() >= maxNamespaces {
			c.forget()
		}
		n = newNamespace()
		c.namespaces.Add(id, n)
	}
	return n
}

// forget makes room: it forgets the quarter of the namespaces that were not asked
// about for the longest time.
func (c *Cache) forget() {
	ids := maps.Collect(c.namespaces.All())
	byUse := slices.SortedFunc(maps.Keys(ids), func(a, b netns.ID) int { return ids[a].used.Compare(ids[b].used) })
	for _, id := range byUse[:max(1, len(byUse)/4)] {
		c.namespaces.Remove(id)
	}
}

// inUse says whether there were queries lately, so that the answers must be kept
// current.
func (c *Cache) inUse(now time.Time) bool {
	for _, n := range c.namespaces.All() {
		if n.inUse(now) {
			return true
		}
	}
	return false
}

// wait waits until it is fair to read again.
func (c *Cache) wait(until func(now time.Time) time.Duration) {
	c.mu.Lock()
	wait := until(c.now())
	c.mu.Unlock()
	if wait <= 0 {
		return
	}
	select {
	case <-time.After(wait):
	case <-c.stop:
	}
}
