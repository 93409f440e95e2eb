// SPDX-License-Identifier: Apache-2.0

package provoke

var acceptQueue = []Provocation{
	{
		Cause: "accept-queue-full", Stage: "syn", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults, acceptQueueFullSYN),
	},
	{
		Cause: "accept-queue-full", Stage: "syn", Variant: "fast-open", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults.with("ipv4/tcp_fastopen", "3"), acceptQueueFullFastOpen),
	},
	{
		Cause: "accept-queue-full", Stage: "syn", Variant: "mptcp", Families: []Family{V4, V6, Mapped}, Needs: []string{featMPTCP},
		Run: play(listenerDefaults.with("mptcp/enabled", "1"), acceptQueueFullMPTCP),
	},
	{
		Cause: "accept-queue-full", Stage: "ack", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults, acceptQueueFullACK),
	},
	{
		Cause: "accept-queue-full", Stage: "ack", Variant: "reset", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults.with("ipv4/tcp_abort_on_overflow", "1"), acceptQueueFullACK),
	},
	{
		Cause: "accept-queue-full", Stage: "cookie-ack", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults.with("ipv4/tcp_syncookies", "2"), acceptQueueFullCookie),
	},
}

// overflows are the counters of n segments dropped for a full accept queue.
func overflows(n int) map[string]uint64 {
	return map[string]uint64{"TcpExtListenOverflows": uint64(n), "TcpExtListenDrops": uint64(n)}
}

// net/ipv4/tcp_input.c:tcp_conn_request finds the queue full.
func acceptQueueFullSYN(b *bench) Expect {
	ln := b.listen(1)
	b.overfill(ln)
	clients := b.clients()
	b.syns(clients, ln.addr)
	return b.expect("accept-queue-full", "syn", ln.addr, clients, overflows(len(clients)))
}

// net/ipv4/tcp_ipv4.c:tcp_v4_syn_recv_sock finds the queue full, which it was
// not yet when the SYN came.
func acceptQueueFullACK(b *bench) Expect { return b.lateACKs(b.listen(8)) }

func (b *bench) lateACKs(ln *listener) Expect {
	b.connect(ln, ln.max)
	clients := b.clients()
	replies := b.open(clients, ln.addr)
	b.connect(ln, 1)
	b.finish(replies)
	return b.expect("accept-queue-full", "ack", ln.addr, clients, overflows(len(clients)))
}

// net/ipv4/syncookies.c:cookie_v4_check finds the cookie good and the queue full.
func acceptQueueFullCookie(b *bench) Expect {
	ln := b.listen(8)
	clients := b.clients()
	replies := b.open(clients, ln.addr)
	b.overfill(ln) // with cookies, too
	b.finish(replies)
	e := b.expect("accept-queue-full", "cookie-ack", ln.addr, clients, overflows(len(clients)))
	return b.withCookies(e, ln.addr, append(b.realClients(ln.max+1), clients...))
}

// finish acknowledges each SYN-ACK.
func (b *bench) finish(replies []reply) {
	for _, r := range replies {
		b.transmit(r.answer())
	}
}

// answer is the right acknowledgement of a SYN-ACK.
func (r reply) answer() segment {
	s := segment{src: r.dst, dst: r.src, flags: ack, seq: r.ack, ack: r.seq + 1}
	if r.ts.val != 0 {
		s.ts = &timestamps{val: r.ts.ecr, ecr: r.ts.val}
	}
	return s
}
