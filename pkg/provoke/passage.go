// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net"
	"net/netip"

	"github.com/synwatch/synwatch/pkg/event"
	"golang.org/x/sys/unix"
)

// passage is a way of a run's own through the server, from the client to a host
// behind it.
type passage struct {
	b       *bench
	server  *wiring
	host    *host
	port    uint16           // of the host, which nothing listens on
	ingress string           // the device in both namespaces, if the way has an entry of its own
	egress  string           // the server's device towards the host
	mac     net.HardwareAddr // where the client sends what is to pass
	table   int              // the routing table that counts on this way
	outer   byte             // the protocol of what packets come in, on a way out of a tunnel
	// put sends a frame to the server. It is the client's end of the cable unless the way has
	// another entry.
	put func(frame []byte) error
	// from are the addresses that clients have on this way.
	from func([]netip.AddrPort) []netip.AddrPort
}

// passagePort is one that nothing listens on.
const passagePort = 4443

func (b *bench) passage() *passage {
	p := &passage{b: b, server: b.wiringIn(b.Lab.server), port: passagePort + uint16(b.id%1000), mac: serverMAC, table: unix.RT_TABLE_MAIN}
	p.put = func(frame []byte) error { return b.send(frame) }
	p.from = func(clients []netip.AddrPort) []netip.AddrPort { return clients }
	return p
}

// dst is what the clients want to reach.
func (p *passage) dst() netip.AddrPort { return netip.AddrPortFrom(p.host.addr, p.port) }

func (p *passage) clients() []netip.AddrPort { return p.from(p.b.clients()) }

// eachSends sends one segment like s from each client.
func (p *passage) eachSends(clients []netip.AddrPort, s segment) {
	s.dst, s.dstMAC = p.dst(), p.mac
	for _, c := range clients {
		s.src = c
		p.send(s.frame())
	}
	p.b.sync() // what is in a tunnel is received when it has been unpacked
	p.b.sync()
}

func (p *passage) send(frame []byte, err error) {
	b := p.b
	b.fail(b.ctx.Err())
	b.fail(err)
	if b.err == nil {
		b.fail(p.put(frame))
	}
}

func (p *passage) syns(clients []netip.AddrPort) {
	p.eachSends(clients, segment{flags: syn, seq: clientISN})
}

// expect is a drop on the way for each of clients, and the counters.
func (p *passage) expect(cause, stage string, clients []netip.AddrPort, counters map[string]uint64) Expect {
	e := p.b.expect(cause, stage, p.dst(), clients, counters)
	for i := range e.Drops {
		e.Drops[i].Direction = event.Forward
		e.Drops[i].Target = p.host.inum
	}
	return e
}
