// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

var memory = []Provocation{
	{
		Cause: "tcp-memory", Variant: "orphans", Families: []Family{V4, V6, Mapped}, Global: true,
		Run: play(listenerDefaults.with(alone, "yes"), tooManyOrphans),
	},
}

// manyOrphans are so many that a CPU's part of the kernel's counter is added to
// the total (before Linux 5.16, lib/percpu_counter.c:percpu_counter_batch).
const manyOrphans = 80

// tooManyOrphans closes connections while there are more orphans than allowed:
// net/ipv4/tcp.c:tcp_check_oom.
func tooManyOrphans(b *bench) Expect {
	ln, clients := b.listen(2*manyOrphans), b.clients()
	var orphans []*rawPeer
	for i, p := range b.rawPeers(b.manyPorts(manyOrphans), ln) {
		server := b.accept(ln, i)
		if b.err == nil {
			// Long enough that it stays a socket, and no TIME_WAIT one.
			b.fail(joinErr("set TCP_LINGER2", unix.SetsockoptInt(server.fd, unix.IPPROTO_TCP, unix.TCP_LINGER2, 120)))
		}
		server.close()
		b.await(fin|ack, p.server, p.own)
		p.ack++
		b.transmit(p.next(ack, "")) // nothing is left to send again, and so no timer runs
		orphans = append(orphans, p)
	}
	var servers []*stream
	for i := range b.rawPeers(clients, ln) {
		servers = append(servers, b.accept(ln, i))
	}
	b.sync()
	b.refreshOrphans()
	b.atomically("ipv4/tcp_max_orphans", "0", func() {
		for _, s := range servers {
			s.close()
		}
	})
	for _, p := range orphans {
		b.transmit(p.next(rst|ack, ""))
	}
	return b.expect("tcp-memory", "", ln.addr, clients, map[string]uint64{"TcpExtTCPAbortOnMemory": uint64(len(clients))})
}

// manyPorts are n ports of one source.
func (b *bench) manyPorts(n int) []netip.AddrPort {
	out := make([]netip.AddrPort, n)
	for i := range out {
		out[i] = netip.AddrPortFrom(b.source(9), uint16(1024+i))
	}
	return out
}

// refreshOrphans waits until the kernel has counted its orphans: since Linux
// 5.16 it does so every 100 ms (tcp_orphan_update), in a timer that does not
// wake an idle CPU.
func (b *bench) refreshOrphans() {
	const busy = 300 * time.Millisecond
	for _, cpu := range b.cpus[:min(len(b.cpus), 2)] {
		if b.err == nil {
			b.fail(PinTo(cpu))
			for start := time.Now(); time.Since(start) < busy; {
			}
		}
	}
}
