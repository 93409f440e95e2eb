// SPDX-License-Identifier: Apache-2.0

package provoke

var plain = []Provocation{
	{
		// Mapped: a dual-stack socket has the port, but does not listen.
		Cause: "no-listener", Families: []Family{V4, V6, Mapped},
		Run: play(nil, noListener),
	},
	{
		Cause: "checksum-error", Families: []Family{V4, V6, Mapped},
		Run: play(nil, checksumError),
	},
	{
		Cause: "other", Families: []Family{V4, V6, Mapped},
		Run: play(nil, headerTooShort),
	},
}

// net/ipv4/tcp_ipv4.c:tcp_v4_rcv, no_tcp_socket.
func noListener(b *bench) Expect {
	dst, clients := b.reserve(), b.clients()
	b.syns(clients, dst)
	return b.expect("no-listener", "", dst, clients, nil)
}

// net/ipv4/tcp_ipv4.c:tcp_v4_rcv, csum_error, before any socket is looked up.
func checksumError(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	b.eachSends(clients, segment{dst: ln.addr, flags: syn, seq: clientISN, badChecksum: true})
	return b.expect("checksum-error", "", ln.addr, clients, map[string]uint64{"TcpInCsumErrors": uint64(len(clients))})
}

// headerTooShort is a drop that no cause of the catalogue names: tcp_v4_rcv and
// tcp_v6_rcv refuse a header length below 20 bytes, bad_packet.
func headerTooShort(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	b.eachSends(clients, segment{dst: ln.addr, flags: syn, seq: clientISN, badOffset: true})
	e := b.expect("other", "", ln.addr, clients, nil)
	reason, err := dropReason("PKT_TOO_SMALL", b.rcvFunction())
	b.fail(err)
	for i := range e.Drops {
		e.Drops[i].Reason = reason
	}
	return e
}

// rcvFunction is the kernel's function that takes segments of the family.
func (b *bench) rcvFunction() string {
	if b.f == V6 {
		return "tcp_v6_rcv"
	}
	return "tcp_v4_rcv"
}
