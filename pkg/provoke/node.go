// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// node is the server as a container engine leaves it: containers on a bridge, with
// published ports.
type node struct {
	b          *bench
	server     *wiring
	bridge     string
	bridgeMAC  net.HardwareAddr
	containers []*container
	rules      *engine
}

// container is a host on the bridge that listens on port 80 and may send.
type container struct {
	*host
	name string
	ln   *listener
	tx   int
}

// containerPort is what containers listen on, and firstPublished the node's port that
// leads to the first of them.
const (
	containerPort  = 80
	firstPublished = 8001
)

// node makes containers of these names.
func (b *bench) node(names ...string) *node {
	n := &node{b: b, server: b.wiringIn(b.Lab.server)}
	br := b.bridge(n.server)
	n.bridge, n.bridgeMAC = br.Attrs().Name, br.Attrs().HardwareAddr
	for i, name := range names {
		c := &container{host: b.host(n.server, i), name: name, tx: -1}
		n.server.enslave(c.near, br)
		n.containers = append(n.containers, c)
	}
	n.server.awaitUp(n.bridge)
	gateway := b.network(1)
	n.server.address(n.server.link(n.bridge), gateway)
	for i, c := range n.containers {
		c.has(b.network(byte(10+i)), gateway, n.bridgeMAC)
		n.server.neighbour(n.server.link(n.bridge), c.addr, c.mac)
		c.ln = c.listen(containerPort, 64)
		c.open()
		b.nameNetns(c.ns, c.name)
	}
	n.rules = b.engine(n.bridge)
	for i, c := range n.containers {
		n.rules.publish(firstPublished+uint16(i), c.ln.addr)
	}
	return n
}

// published is what clients address to reach the i-th container.
func (n *node) published(i int) netip.AddrPort {
	return netip.AddrPortFrom(n.b.serverAddr(n.b.f), firstPublished+uint16(i))
}

// open has the container send frames of its own.
func (c *container) open() {
	far := c.b.wiringIn(c.ns)
	index := far.link(device).Attrs().Index
	far.do("open packet socket", func() error {
		err := c.do(func() (err error) {
			c.tx, err = packetSocket(index, 0)
			return err
		})
		c.b.undo = append(c.b.undo, func() error { return closeAll(c.tx) })
		return err
	})
}

// send has the container send what frame is, which was made for the client to send.
func (c *container) send(n *node, frame []byte, err error) {
	b := c.b
	b.fail(b.ctx.Err())
	b.fail(err)
	if b.err != nil {
		return
	}
	copy(frame, n.bridgeMAC)
	copy(frame[6:], c.mac)
	_, err = unix.Write(c.tx, frame)
	b.fail(joinErr("send frame", err))
}

// namedNetns is where `ip netns` has the names of namespaces.
const namedNetns = "/run/netns"

// nameNetns gives a namespace a name, as `ip netns add` does, until the run ends.
func (b *bench) nameNetns(ns *os.File, name string) {
	if b.err != nil {
		return
	}
	path := filepath.Join(namedNetns, name)
	err := os.MkdirAll(namedNetns, 0o755)
	if err == nil {
		err = errors.Join(os.WriteFile(path, nil, 0o444),
			unix.Mount(fmt.Sprintf("/proc/self/fd/%d", ns.Fd()), path, "none", unix.MS_BIND, ""))
	}
	b.fail(joinErr("name namespace", err))
	b.undo = append(b.undo, func() error {
		return joinErr("take a namespace's name away", unix.Unmount(path, unix.MNT_DETACH), os.Remove(path))
	})
}
