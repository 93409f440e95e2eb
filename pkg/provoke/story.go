// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"net/netip"
	"strconv"
	"time"

	"github.com/synwatch/synwatch/pkg/event"
	"golang.org/x/sys/unix"
)

// Container is one of a Story's: a network namespace with a name that listens on its
// port 80.
type Container struct {
	Name  string // in /run/netns
	Netns uint32 // inode number
	Addr  netip.Addr
}

// Tale is what a Story provoked, a fault each.
type Tale struct {
	Containers []Container // in the order of their published ports, from 8001 on
	// Policy is a rule of the forward chain that drops one client's connections to the
	// first container.
	Policy Expect
	// Stale is a published port, 8004, the container of which is gone.
	Stale Expect
	// SourceNAT are the containers' connections to one address outside, for which the
	// node has but two ports.
	SourceNAT Expect
	// Full are the connections and datagrams, to the node and from the last container,
	// for which connection tracking has no room.
	Full Expect
}

// Expect is all that a tracer must report of the server's namespace.
func (t Tale) Expect() Expect { return merge(t.Policy, t.Stale, t.SourceNAT, t.Full) }

var story = Provocation{
	Cause: "story", Families: []Family{V4, V6}, Global: true,
	Needs: []string{featBridge, featNFTables, featStateRules, featNFTNAT, featNFTMasq, featConntrackDump},
}

// MissingForStory is nil where Story can be told, or else a *MissingError.
func MissingForStory() error { return story.Missing() }

// Story is a node with three containers behind published ports, on which four faults
// act at once: see Tale. They make themselves felt one after the other, the full table
// last, as a packet that dies of one does not get to the next. There are healthy
// connections beside them.
func Story(ctx context.Context, l *Lab, f Family) (t Tale, err error) {
	p := story
	p.Run = routeFor(storyTimeout, tracking, func(b *bench) Expect {
		t = tell(b)
		return t.Expect()
	})
	_, err = p.runIfPossible()(ctx, l, f)
	return t, err
}

// storyTimeout is longer than a run's, as it is several of them.
const storyTimeout = 4 * time.Minute

// The story's own numbers.
const (
	stalePort           = firstPublished + 3
	firstLeft, lastLeft = 61000, 61001 // the ports of the source NAT
)

func tell(b *bench) (t Tale) {
	n := b.node("web", "api", "db")
	for _, c := range n.containers {
		t.Containers = append(t.Containers, Container{c.name, c.inum, c.addr})
	}
	refused, outside := b.source(1), netip.AddrPortFrom(b.source(7), 443)
	gone := netip.AddrPortFrom(b.network(66), containerPort)
	n.rules.publish(stalePort, gone)
	n.rules.leaveBy(outside.Addr(), b.serverAddr(b.f), firstLeft, lastLeft)
	for _, c := range n.containers {
		n.rules.masquerade(c.addr) // all else
	}
	n.rules.refuse(refused, t.Containers[0].Addr)
	n.server.sysctls(givingUp(n.bridge, "212992"))
	n.rules.commit(b)

	t.Policy = n.policy(refused)
	t.Stale = n.stale(gone)
	t.SourceNAT = n.exhausted(outside)
	t.Full = n.full()
	return t
}

// reached is what the client makes its real connections to the i-th container with.
func (n *node) reached(i int) *listener {
	return &listener{fd: n.containers[i].ln.fd, addr: n.published(i)}
}

// policy has the client that a rule refuses ask for the first container.
func (n *node) policy(refused netip.Addr) Expect {
	b := n.b
	for i, c := range n.containers {
		c.greet(n.reached(i))
	}
	var clients []netip.AddrPort
	for _, c := range b.ports(1, 5) {
		clients = append(clients, netip.AddrPortFrom(refused, c.Port()))
	}
	b.eachSYN(clients, n.published(0))
	b.sync()
	return n.forwarded(b.expect("netfilter-drop", "", n.containers[0].ln.addr, clients, nil), n.published(0))
}

// stale has clients ask for the container that is gone.
func (n *node) stale(gone netip.AddrPort) Expect {
	b := n.b
	clients := append(b.ports(2, 3), b.ports(3, 4)...)
	published := netip.AddrPortFrom(b.serverAddr(b.f), stalePort)
	b.eachSYN(clients, published)
	n.server.awaitFailed(n.bridge, gone.Addr())
	return n.forwarded(b.expect("neighbour-unresolved", "", gone, clients, nil), published)
}

// exhausted has the containers connect to the address outside: the first two
// connections have the ports, and there are none for the others.
func (n *node) exhausted(outside netip.AddrPort) Expect {
	b := n.b
	var failed []netip.AddrPort
	for i, c := range n.containers {
		for k := range i + 2 {
			src := netip.AddrPortFrom(c.addr, uint16(40000+k))
			frame, err := segment{src: src, dst: outside, flags: syn, seq: clientISN}.frame()
			c.send(n, frame, err)
			if i > 0 { // those of the first have the ports
				failed = append(failed, src)
			}
		}
	}
	b.sync()
	count := uint64(len(failed))
	return n.forwarded(b.expect("conntrack-clash", "", outside, failed,
		map[string]uint64{"Conntrackdrop": count, "Conntrackinsert_failed": count}), netip.AddrPort{})
}

// full has no room for any connection but two to each container. What else is there is
// forgotten before, as the kernel might make room of it
// (net/netfilter/nf_conntrack_core.c:early_drop).
func (n *node) full() Expect {
	b := n.b
	b.flushConntrack()
	for i := range n.containers {
		b.connect(n.reached(i), 2)
	}
	b.sync()
	b.setGlobal("netfilter/nf_conntrack_max", strconv.Itoa(b.conntrackCount()))
	clients := append(b.ports(4, 2), b.ports(5, 3)...)
	b.eachSYN(clients, n.published(1))
	outside := netip.AddrPortFrom(b.source(8), 443)
	own := netip.AddrPortFrom(n.containers[2].addr, 41000)
	for _, c := range clients {
		frame, err := datagram(c, n.published(2))
		n.fromClient(frame, err)
	}
	for range 3 {
		frame, err := segment{src: own, dst: outside, flags: syn, seq: clientISN}.frame()
		n.containers[2].send(n, frame, err)
		frame, err = datagram(own, outside)
		n.containers[2].send(n, frame, err)
	}
	b.sync()
	thrice := []netip.AddrPort{own, own, own}
	e := merge(
		b.expect("conntrack-table-full", "", n.published(1), clients, nil),
		ofProtocol(unix.IPPROTO_UDP, b.expect("conntrack-table-full", "", n.published(2), clients, nil)),
		n.forwarded(b.expect("conntrack-table-full", "", outside, thrice, nil), netip.AddrPort{}),
		ofProtocol(unix.IPPROTO_UDP, n.forwarded(b.expect("conntrack-table-full", "", outside, thrice, nil), netip.AddrPort{})),
	)
	e.Counters["Conntrackdrop"] = uint64(2*len(clients) + 2*len(thrice))
	return e
}

func (n *node) fromClient(frame []byte, err error) {
	n.b.fail(err)
	if n.b.err == nil {
		n.b.fail(n.b.send(frame))
	}
}

// forwarded are drops on the way through the node, of what was addressed to orig if
// that is valid.
func (n *node) forwarded(e Expect, orig netip.AddrPort) Expect {
	for i := range e.Drops {
		d := &e.Drops[i]
		d.Direction, d.OrigDst = event.Forward, orig
		for _, c := range n.containers {
			if c.addr == d.Dst.Addr() {
				d.Target = c.inum
			}
		}
	}
	return e
}

func ofProtocol(p event.Proto, e Expect) Expect {
	for i := range e.Drops {
		e.Drops[i].Proto = p
	}
	return e
}
