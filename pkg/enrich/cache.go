// SPDX-License-Identifier: Apache-2.0

// Package enrich finds what belongs to a packet's addresses on this machine: the process
// that listens there, how full the connection tracking table is, the interface's name.
package enrich

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
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

// Cache answers queries from memory. What it does not know, or has not read for a
// while, it reads in the background.
type Cache struct {
	now      func() time.Time
	stop     chan struct{}
	stopping sync.Once
	workers  sync.WaitGroup
	// namespaceWorker reads network namespaces, ownerWorker which processes have
	// the sockets, targetWorker who has which address, and senderWorker who sent.
	namespaceWorker, ownerWorker, targetWorker, senderWorker worker

	// cookies says that user space can read the cookies of namespaces.
	cookies bool

	mu         sync.Mutex
	namespaces *netns.Table[namespace]
	owners     ownersCache
	targets    targetsCache
	senders    sendersCache
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
	for _, work := range []func(){c.readNamespaces, c.readOwners, c.readTargets, c.readSenders} {
		c.workers.Go(work)
	}
	return c
}

func newCache(now func() time.Time) *Cache {
	return &Cache{
		now: now, stop: make(chan struct{}), namespaceWorker: make(worker, 1), ownerWorker: make(worker, 1),
		targetWorker: make(worker, 1), senderWorker: make(worker, 1),
		namespaces: netns.NewTable[namespace](), owners: ownersCache{found: &sockets.Owners{}},
		targets: newTargetsCache(), senders: sendersCache{},
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
	a, all = c.answer(n, &q, now)
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

// answer collects the parts of an answer, and says whether they are certain.
func (c *Cache) answer(n *namespace, q *Query, now time.Time) (a Answer, all bool) {
	who, all := n, true
	part := func(known bool) { all = all && known }
	var known bool
	if q.Target {
		a.Target, who, known = c.whose(n, q, now)
		part(known)
	}
	if q.Listener && who != nil {
		a.Listener, known = c.listener(who, q.within(who == n), now)
		a.nameContainer()
		part(known)
	}
	if q.Sender.PID != 0 {
		a.Sender, known = c.sender(q.Sender, now)
		part(known)
	}
	if q.Conntrack {
		a.Conntrack, known = n.fill(now)
		part(known)
	}
	if q.Ifindex != 0 {
		a.Interface, known = n.interfaceName(q.Ifindex, now)
		part(known)
	}
	if q.OutIfindex != 0 {
		a.OutInterface, known = n.interfaceName(q.OutIfindex, now)
		part(known)
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
