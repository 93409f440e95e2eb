// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"net/netip"
	"os"
)

var paws = []Provocation{
	{
		Cause: "paws-established", Families: []Family{V4, V6, Mapped},
		Run: play(timestamped, pawsEstablished),
	},
	{
		Cause: "paws-established", Variant: "old-ack", Families: []Family{V4, V6, Mapped},
		Run: play(timestamped, pawsOldACK),
	},
	{
		Cause: "paws-time-wait", Families: []Family{V4, V6, Mapped},
		Run: play(timestamped.with("ipv4/tcp_max_tw_buckets", "8192"), pawsTimeWait),
	},
	{
		Cause: "paws-handshake", Families: []Family{V4, V6, Mapped},
		Run: play(timestamped, pawsHandshake),
	},
	{
		Cause: "tsecr-rejected", Families: []Family{V4, V6, Mapped}, Needs: []string{featTSEcr},
		Run: play(timestamped, tsecrRejected),
	},
}

// featTSEcr is a check of the kernel's, since 6.18.
const featTSEcr = "check of echoed timestamps"

var timestamped = listenerDefaults.with("ipv4/tcp_timestamps", "1")

// clientTS is the first timestamp of raw clients that use them, earlierTS one
// that is older.
const (
	clientTS  = 100000
	earlierTS = clientTS - 50000
)

// net/ipv4/tcp_input.c:tcp_validate_incoming
func pawsEstablished(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	for i, p := range b.stampedPeers(clients, ln) {
		server := b.accept(ln, i)
		p.ts.val = earlierTS
		b.transmit(p.next(psh|ack, "hello"))
		b.sync()
		server.reset()
	}
	return b.expect("paws-established", "", ln.addr, clients, pawsEstab(len(clients)))
}

// pawsOldACK sends bare ACKs from before the window, for which newer kernels
// have a counter of their own (tcp_disordered_ack_check).
func pawsOldACK(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	for i, p := range b.stampedPeers(clients, ln) {
		server := b.accept(ln, i)
		p.ts.val = earlierTS
		p.seq--
		b.transmit(p.next(ack, ""))
		b.sync()
		server.reset()
	}
	return b.expect("paws-established", "", ln.addr, clients, b.newerCounter("TcpExtPAWSOldAck", "TcpExtPAWSEstab", len(clients)))
}

// pawsTimeWait has the server close first, and so keep the connection in
// TIME_WAIT, where another client of the same address and port finds it:
// net/ipv4/tcp_minisocks.c:tcp_timewait_state_process.
func pawsTimeWait(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	for i, p := range b.stampedPeers(clients, ln) {
		b.closeFirst(b.accept(ln, i), p)
		b.await(ack, p.server, p.own)
		s := segment{src: p.own, dst: p.server, flags: syn, seq: p.seq + 5000, ts: &timestamps{val: earlierTS}}
		b.transmit(s)
	}
	b.sync()
	return b.expect("paws-time-wait", "", ln.addr, clients, b.newerCounter("TcpExtPAWSTimewait", "TcpExtPAWSEstab", len(clients)))
}

// closeFirst has the server close the connection, and the peer agree.
func (b *bench) closeFirst(server *stream, p *rawPeer) {
	server.close()
	b.await(fin|ack, p.server, p.own)
	p.ack++
	b.transmit(p.next(fin|ack, ""))
}

// net/ipv4/tcp_minisocks.c:tcp_check_req
func pawsHandshake(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	for _, r := range b.openStamped(clients, ln.addr) {
		s := r.answer()
		s.ts = &timestamps{val: earlierTS, ecr: r.ts.val}
		b.transmit(s)
	}
	return b.expect("paws-handshake", "", ln.addr, clients, pawsEstab(len(clients)))
}

// net/ipv4/tcp_minisocks.c:tcp_check_req
func tsecrRejected(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	for _, r := range b.openStamped(clients, ln.addr) {
		s := r.answer()
		s.ts = &timestamps{val: clientTS + 1, ecr: r.ts.val + 5000000}
		b.transmit(s)
	}
	return b.expect("tsecr-rejected", "", ln.addr, clients, map[string]uint64{"TcpExtTSEcrRejected": uint64(len(clients))})
}

func pawsEstab(n int) map[string]uint64 { return map[string]uint64{"TcpExtPAWSEstab": uint64(n)} }

// openStamped is open with the timestamp option.
func (b *bench) openStamped(clients []netip.AddrPort, dst netip.AddrPort) []reply {
	return b.openWith(clients, dst, segment{ts: &timestamps{val: clientTS}})
}

// stampedPeers is rawPeers with the timestamp option.
func (b *bench) stampedPeers(clients []netip.AddrPort, ln *listener) []*rawPeer {
	peers := b.establish(b.openStamped(clients, ln.addr), ln)
	for _, p := range peers {
		if p.ts == nil { // the run has failed
			p.ts = &timestamps{}
		}
	}
	return peers
}

func probeTSEcr(*os.File) error {
	ok, err := kernelHas("SKB_DROP_REASON_TCP_RFC7323_TSECR")
	if err == nil && !ok {
		err = errors.New("this kernel accepts any echoed timestamp (no SKB_DROP_REASON_TCP_RFC7323_TSECR)")
	}
	return err
}
