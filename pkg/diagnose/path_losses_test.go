// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/nstat"
)

func row(name string, wrong []func(*Facts), want string, says ...string) {
	rows = append(rows, struct {
		name  string
		wrong []func(*Facts)
		want  string
		says  []string
	}{name, wrong, want, says})
}

func ring(name string, packets uint64, losses ...nstat.Loss) func(*Facts) {
	return func(f *Facts) {
		f.Space.Interfaces = append(f.Space.Interfaces, nstat.Interface{Name: name, Packets: packets, Losses: losses})
	}
}

func dropping(cpu int, s nstat.Softnet) func(*Facts) {
	return func(f *Facts) {
		if f.System.Softnet.CPUs == nil {
			f.System.Softnet.CPUs = map[int]nstat.Softnet{}
		}
		f.System.Softnet.CPUs[cpu] = s
		f.System.Softnet.Dropped += s.Dropped
	}
}

func init() {
	type change = []func(*Facts)
	forwards := counter("IpForwDatagrams", 1e8)
	row("invalid packets on a machine that forwards", change{forwards, counter(ctInvalid, 50000), sysctl(ctLiberal, "0")}, "warning conntrack-invalid",
		"NAT passed them by", "sysctl -w net.netfilter.nf_conntrack_tcp_be_liberal=1", "iptables -I FORWARD -m conntrack --ctstate INVALID -j DROP", "nf_conntrack_log_invalid=6")
	row("invalid packets on a machine that is liberal", change{forwards, counter(ctInvalid, 50000), sysctl(ctLiberal, "1")}, "warning conntrack-invalid", "!be_liberal=1", "--ctstate INVALID")
	row("invalid packets on a machine that forwards none", change{counter(ctInvalid, 50000)}, "note conntrack-invalid", "!NAT passed them by")
	row("a few invalid packets", change{forwards, counter(ctInvalid, 9)}, "note conntrack-invalid")

	row("a peer without the password", change{counter("TcpExtTCPMD5NotFound", 20000)}, "warning tcp-auth",
		"MD5 or AO) that is missing", "give the peer the password", "!compare the passwords", "synwatch trace --cause tcp-auth-failed")
	row("passwords that differ", change{window, counter("TcpExtTCPMD5Failure", 3), counter("TcpExtTCPAOBad", 2)}, "warning tcp-auth", "is wrong", "NAT in between", "!not expected")
	row("a peer that is not known", change{window, counter("TcpExtTCPMD5Unexpected", 3), counter("TcpExtTCPMD5Failure", 3)}, "warning tcp-auth", "is not expected or wrong")
	row("a few signatures long ago", change{counter("TcpExtTCPMD5Failure", 5)}, "note tcp-auth")

	fifo := nstat.Loss{Counter: "rx_fifo_errors", Count: 400000}
	row("a ring that is too short", change{ring("lo", 1000), ring("eth1", 9.6e6, fifo, nstat.Loss{Counter: "rx_missed_errors", Count: 400000})}, "warning interface-losses",
		"eth1 lost packets", "eth1 rx_fifo_errors 400000 4 % of 10000000", "ethtool -g eth1", "!lo lost")
	row("a ring that overflowed at boot", change{ring("eth1", 1e9, nstat.Loss{Counter: "rx_missed_errors", Count: 2000})}, "note interface-losses")
	row("two rings", change{ring("eth0", 1e6, nstat.Loss{Counter: "rx_missed_errors", Count: 50000}), ring("eth1", 1e6, fifo)}, "warning interface-losses",
		"interfaces lost packets", "ethtool -g eth1")
	row("rings that lost nothing", change{ring("eth0", 1e6)}, "")

	row("one CPU that drops", change{window, dropping(0, nstat.Softnet{Processed: 1000}), dropping(2, nstat.Softnet{Processed: 9e8, Dropped: 99})}, "warning netdev-backlog",
		"of them by CPU 2 99 100 % of 99", "it handled 900000000 of the 1000000000 packets")
	row("one SYN-ACK more", change{sysctl(synAckRetries, "1")}, "warning synack-retries", "sysctl -w net.ipv4.tcp_synack_retries=5")
	row("as many SYN-ACKs as usual", change{sysctl(synAckRetries, "5")}, "")

	row("a full queue that resets", change{sysctl(abortSysctl, "1"), listens(listener(512, 511, 1e6)), counter("TcpExtListenOverflows", 1e6), counter("TcpExtListenDrops", 1e6)},
		"critical accept-queue-full,warning abort-on-overflow", "read \"connection reset by peer\", at once", "!connect() hangs", "tcp_abort_on_overflow=0")

	row("more orphans than may be", change{sysctl(maxOrphans, "4096"), func(f *Facts) { f.Space.Sockets.Orphans = 4500 }}, "critical orphans",
		"more connections without an owner than", "net.ipv4.tcp_max_orphans=65536", "own choice for 16 GiB of memory 65536")
	row("as many in TIME_WAIT as may be", change{sysctl(twBuckets, "5000"), func(f *Facts) { f.Space.Sockets.TimeWait = 5000 }}, "critical time-wait-full",
		"net.ipv4.tcp_max_tw_buckets=65536")
	row("a full neighbour table", change{counter("Neighbourentries", 1024)}, "critical neighbour-table", "table (ARP) is full")
	row("a full neighbour table that was made small", change{sysctl("net.ipv4.neigh.default.gc_thresh3", "256"), counter("Neighbourentries", 256)}, "critical neighbour-table", "gc_thresh3=1024")
}

func TestLossesSince(t *testing.T) {
	of := func(packets, lost uint64) []nstat.Interface {
		return []nstat.Interface{{Name: "eth0", Packets: packets, Losses: []nstat.Loss{{Counter: "rx_missed_errors", Count: lost}}}}
	}
	now, before := snapshot(1, 1), snapshot(1, 1)
	now.Time = now.Time.Add(time.Second)
	now.Spaces[0].Interfaces, before.Spaces[0].Interfaces = of(1100, 50), of(1000, 40)
	got := FactsOf(now, before)[0].Space.Interfaces
	if len(got) != 1 || got[0].Packets != 100 || got[0].Lost() != 10 {
		t.Errorf("%+v", got)
	}
}
