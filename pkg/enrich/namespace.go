// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"net/netip"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/sockets"
)

// namespace is what is known of one network namespace.
type namespace struct {
	used time.Time // when there was a query about it
	// gone says that its inode number is another namespace's: there is nothing
	// more to be read.
	gone bool

	sockets     []sockets.Socket
	byPort      map[uint16][]sockets.Socket
	closed      []closedSocket
	socketsRead time.Time // when sockets were current; zero: never
	cost        time.Duration
	wantSockets bool // newer ones
	// misses is where nothing listened when it was last asked.
	misses map[netip.AddrPort]time.Time

	interfaces map[uint32]*netInterface // by index

	usage     *conntrack.Usage
	usageRead time.Time
	wantUsage bool
}

// closedSocket is a socket that listens no more.
type closedSocket struct {
	sockets.Socket
	at time.Time
}

// netInterface is a network interface that was asked about.
type netInterface struct {
	name string
	read bool
	used time.Time
}

func newNamespace() *namespace {
	return &namespace{misses: map[netip.AddrPort]time.Time{}, interfaces: map[uint32]*netInterface{}}
}

func (n *namespace) inUse(now time.Time) bool { return now.Sub(n.used) < 2*refresh }

// interfaceName returns the name of an interface, and whether it was read.
func (n *namespace) interfaceName(ifindex uint32, now time.Time) (string, bool) {
	i := n.interfaces[ifindex]
	if i == nil {
		if len(n.interfaces) >= maxInterfaces {
			clear(n.interfaces)
		}
		i = &netInterface{}
		n.interfaces[ifindex] = i
	}
	i.used = now
	return i.name, i.read
}

// fill returns how full the connection tracking table is, and whether that was read.
func (n *namespace) fill(now time.Time) (*conntrack.Usage, bool) {
	n.wantUsage = now.Sub(n.usageRead) > usageFor
	return n.usage, !n.wantUsage
}

// listener says who listens, and whether that is certain.
func (c *Cache) listener(n *namespace, q *Query, now time.Time) (*Listener, bool) {
	found := sockets.Match(n.byPort[q.Dst.Port()], q.Dst, q.Ifindex)
	if found != nil && now.Sub(n.socketsRead) > 2*max(refresh, share*n.cost) {
		n.wantSockets = true
		l, _ := c.owner(found, q, now)
		return l, false
	}
	if found == nil {
		known := n.knowsMiss(q, now)
		n.wantSockets = n.wantSockets || !known
		if found = sockets.Match(n.justClosed(now), q.Dst, q.Ifindex); found == nil || !known {
			return nil, known
		}
	}
	return c.owner(found, q, now)
}

// knowsMiss says whether it is certain that nothing listens.
func (n *namespace) knowsMiss(q *Query, now time.Time) bool {
	if at, ok := n.misses[q.Dst]; ok && now.Sub(at) < missFor {
		return true
	}
	if !n.socketsRead.After(q.Since) {
		return false
	}
	if len(n.misses) >= maxMisses {
		clear(n.misses)
	}
	n.misses[q.Dst] = n.socketsRead
	return true
}

func (n *namespace) justClosed(now time.Time) []sockets.Socket {
	var found []sockets.Socket
	for _, s := range n.closed {
		if now.Sub(s.at) < closedFor {
			found = append(found, s.Socket)
		}
	}
	return found
}

// enter enters what was read, and says whether there are sockets whose owners were
// never looked for.
func (n *namespace) enter(r *reading, known map[uint64]bool) (unknown bool) {
	for ifindex, name := range r.names {
		if i := n.interfaces[ifindex]; i != nil {
			i.name, i.read = name, true
		}
	}
	if r.wantUsage {
		n.usage, n.usageRead, n.wantUsage = r.usage, r.began, false
	}
	if !r.wantSockets {
		return false
	}
	n.closed = slices.DeleteFunc(n.closed, func(s closedSocket) bool { return r.began.Sub(s.at) >= closedFor })
	here := map[uint64]bool{}
	n.byPort = map[uint16][]sockets.Socket{}
	for _, s := range r.sockets {
		here[s.Inode] = true
		n.byPort[s.Addr.Port()] = append(n.byPort[s.Addr.Port()], s)
		unknown = unknown || !known[s.Inode]
	}
	for _, s := range n.sockets {
		if !here[s.Inode] {
			n.closed = append(n.closed, closedSocket{s, r.began})
		}
	}
	n.sockets, n.socketsRead, n.cost, n.wantSockets = r.sockets, r.began, r.took, false
	return unknown
}
