// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net/netip"
	"slices"
)

var expiry = []Provocation{
	{
		Cause: "handshake-expired", Families: []Family{V4, V6, Mapped},
		Run: play(impatient, handshakeExpired),
	},
	{
		Cause: "handshake-expired", Variant: "acked", Families: []Family{V4, V6, Mapped},
		// Three seconds, so that a slow client's ACK is not too late.
		Run: play(impatient.with("ipv4/tcp_synack_retries", "1"), handshakeExpiredAcked),
	},
	{
		Cause: "handshake-icmp-error", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults, handshakeICMPError),
	},
	{
		Cause: "time-wait-overflow", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults.with("ipv4/tcp_max_tw_buckets", "0"), timeWaitOverflow),
	},
}

// impatient settings give a request up the first time that its timer fires,
// after a second, without having sent the SYN-ACK again.
var impatient = listenerDefaults.with("ipv4/tcp_synack_retries", "0")

// net/ipv4/inet_connection_sock.c:reqsk_timer_handler
func handshakeExpired(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	b.syns(clients, ln.addr)
	b.awaitExpiry()
	return b.expired(ln, clients)
}

// handshakeExpiredAcked has clients that believe themselves connected: their
// ACK met a full accept queue.
func handshakeExpiredAcked(b *bench) Expect {
	ln := b.listen(8)
	e := b.lateACKs(ln)
	b.awaitExpiry()
	return merge(e, b.expired(ln, b.clients()))
}

// expired are the notices of requests that were given up.
func (b *bench) expired(ln *listener, clients []netip.AddrPort) Expect {
	return notices(b.expect("handshake-expired", "", ln.addr, clients, nil))
}

// awaitExpiry waits until all requests are gone.
func (b *bench) awaitExpiry() {
	b.sync()
	if b.err == nil {
		b.fail(until(b.ctx, "request sockets to expire", b.noRequests))
	}
}

// handshakeICMPError says that the SYN-ACKs did not arrive:
// net/ipv4/tcp_ipv4.c:tcp_req_err ends the handshake.
func handshakeICMPError(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	for _, r := range b.open(clients, ln.addr) {
		b.transmitICMPError(r, fatal)
	}
	return b.failed(ln, clients)
}

// failed are the notices of handshakes that an ICMP error ended.
func (b *bench) failed(ln *listener, clients []netip.AddrPort) Expect {
	return notices(b.expect("handshake-icmp-error", "", ln.addr, clients, listenDrops(len(clients))))
}

// timeWaitOverflow: net/ipv4/tcp_minisocks.c:tcp_time_wait.
func timeWaitOverflow(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	for i, p := range b.rawPeers(clients, ln) {
		b.closeFirst(b.accept(ln, i), p)
	}
	b.sync()
	return notices(b.expect("time-wait-overflow", "", ln.addr, clients,
		map[string]uint64{"TcpExtTCPTimeWaitOverflow": uint64(len(clients))}))
}

// notices are e's drops, which are none.
func notices(e Expect) Expect {
	e.Drops = slices.Clone(e.Drops)
	for i := range e.Drops {
		e.Drops[i].Notice = true
	}
	return e
}
