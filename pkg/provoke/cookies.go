// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"net/netip"
)

var cookies = []Provocation{
	{
		Cause: "syn-cookie-sent", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults, synCookieSent),
	},
	{
		Cause: "syn-cookie-invalid", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults.with("ipv4/tcp_syncookies", "2"), synCookieInvalid),
	},
}

var strayACK = []Provocation{
	{
		Cause: "stray-ack", Stage: "listener", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults, strayACKListener),
	},
	{
		Cause: "stray-ack", Stage: "handshake", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults, strayACKHandshake),
	},
}

// The request queue is full, and cookies are on: no drop.
func synCookieSent(b *bench) Expect {
	ln := b.listen(4)
	b.syns(b.fillers(ln.max+1), ln.addr)
	clients := b.clients()
	b.syns(clients, ln.addr)
	return b.withCookies(Expect{}, ln.addr, clients)
}

// net/ipv4/syncookies.c:cookie_v4_check looks at an ACK's cookie only when the
// listener has sent one in the last two minutes.
func synCookieInvalid(b *bench) Expect {
	ln := b.listen(8)
	first := b.fillers(1)
	b.syns(first, ln.addr)
	clients := b.clients()
	b.eachSends(clients, wrongACK(ln))
	e := b.expect("syn-cookie-invalid", "", ln.addr, clients,
		map[string]uint64{"TcpExtSyncookiesFailed": uint64(len(clients))})
	return b.withCookies(e, ln.addr, first)
}

// wrongACK is an ACK out of the blue.
func wrongACK(ln *listener) segment {
	return segment{dst: ln.addr, flags: ack, seq: clientISN + 1, ack: 77777777}
}

// net/ipv4/syncookies.c:tcp_synq_no_recent_overflow: no cookie can be in it.
func strayACKListener(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	return b.stray("listener", ln, clients, func() { b.eachSends(clients, wrongACK(ln)) })
}

// net/ipv4/tcp_minisocks.c:tcp_check_req finds the request, but the segment
// acknowledges another number than that of the SYN-ACK.
func strayACKHandshake(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	return b.stray("handshake", ln, clients, func() {
		for _, r := range b.open(clients, ln.addr) {
			s := r.answer()
			s.ack += 99
			b.transmit(s)
		}
	})
}

// stray sends ACKs that are no cookies. A listener that never sent any has 0 as
// the time of the last one, and the kernel's clock begins 5 minutes before 0
// (INITIAL_JIFFIES): from 5 to 7 minutes after boot it looks for cookies anyway.
func (b *bench) stray(stage string, ln *listener, clients []netip.AddrPort, send func()) Expect {
	const failed = "TcpExtSyncookiesFailed"
	switch n := b.moved(failed, send); {
	case n == 0 || b.err != nil:
		return b.expect("stray-ack", stage, ln.addr, clients, nil)
	case n == uint64(len(clients)):
		return b.expect("syn-cookie-invalid", "", ln.addr, clients, map[string]uint64{failed: n})
	default:
		b.fail(errors.New("5 or 7 minutes after boot the kernel changed its mind about ACKs; try again"))
		return Expect{}
	}
}
