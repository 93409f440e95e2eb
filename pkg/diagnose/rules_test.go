// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/synwatch/synwatch/pkg/survey"
	"golang.org/x/sys/unix"
)

// healthy is a busy machine of which everything is known and nothing is wrong.
func healthy() Facts {
	return Facts{
		System: survey.System{
			Kernel: "6.12.1", Memory: 16 << 30, CPUs: 8, Uptime: 100 * time.Hour,
			Softnet: &nstat.Softnet{Processed: 1e9, Squeezed: 5},
			Files:   survey.SysctlFiles{{File: "/etc/sysctl.conf", Line: 1, Key: "net.core.somaxconn", Value: "4096"}},
		},
		Space: survey.Space{
			Netns: netns.ID{Inode: 1}, Own: true,
			Counters: nstat.Values{
				"TcpPassiveOpens": 1e7, "TcpInSegs": 1e9, "TcpExtListenDrops": 0, "TcpExtListenOverflows": 0,
				"TcpExtPAWSEstab": 0, "TcpExtSyncookiesSent": 0, "Conntrackdrop": 0, "Neighbourentries": 20,
			},
			Sysctls: map[string]string{
				"net.core.somaxconn": "4096", "net.core.netdev_max_backlog": "1000",
				"net.ipv4.tcp_syncookies": "1", "net.ipv4.tcp_max_syn_backlog": "1024", "net.ipv4.tcp_tw_reuse": "2",
				"net.ipv4.tcp_timestamps": "1", "net.ipv4.tcp_max_tw_buckets": "65536", "net.ipv4.tcp_max_orphans": "65536",
				"net.ipv4.tcp_abort_on_overflow": "0", "net.ipv4.tcp_rmem": "4096 131072 6291456", "net.ipv4.tcp_mem": "100 200 300000",
				"net.ipv4.conf.all.rp_filter": "0", "net.ipv4.conf.eth0.rp_filter": "1", "net.ipv4.neigh.default.gc_thresh3": "1024",
				"net.netfilter.nf_conntrack_count": "100", "net.netfilter.nf_conntrack_max": "262144",
				"net.netfilter.nf_conntrack_buckets": "65536", "net.netfilter.nf_conntrack_tcp_timeout_established": "432000",
			},
			Sockets:   &nstat.TCPSockets{InUse: 100, TimeWait: 1000, Orphans: 2, Pages: 100},
			Listeners: []sockets.ListenerQueue{listener(0, 511, 0)},
		},
	}
}

func listener(waiting, limit uint32, drops uint64) sockets.ListenerQueue {
	return sockets.ListenerQueue{
		Addr: netip.MustParseAddrPort("0.0.0.0:443"), Process: proc.Process{PID: 812, Comm: "nginx"},
		Waiting: waiting, Limit: &limit, Drops: &drops,
	}
}

// still is a queue from which nothing was accepted for so long.
func still(l sockets.ListenerQueue, d time.Duration) sockets.ListenerQueue {
	l.Still = d
	return l
}

func sysctl(key, v string) func(*Facts) { return func(f *Facts) { f.Space.Sysctls[key] = v } }
func counter(name string, n uint64) func(*Facts) {
	return func(f *Facts) { f.Space.Counters[name] = n }
}
func without(key string) func(*Facts) { return func(f *Facts) { delete(f.Space.Sysctls, key) } }
func line(key, v string) func(*Facts) {
	return func(f *Facts) {
		f.System.Files = append(f.System.Files, survey.Assignment{File: "/etc/sysctl.conf", Line: 7, Key: key, Value: v})
	}
}
func window(f *Facts) { f.Window = 10 * time.Second }
func listens(l sockets.ListenerQueue) func(*Facts) {
	return func(f *Facts) { f.Space.Listeners = []sockets.ListenerQueue{l} }
}

// rows are what is wrong with the healthy machine, and what is then found. What
// is said must be in the title, the evidence or the changes.
var rows = []struct {
	name  string
	wrong []func(*Facts)
	want  string // "severity id", several with commas, in order; empty for none
	says  []string
}{
	{"nothing", nil, "", nil},
	{"a full accept queue", []func(*Facts){listens(listener(512, 511, 40)), counter("TcpExtListenOverflows", 40), counter("TcpExtListenDrops", 40)},
		"critical accept-queue-full", []string{"nginx[812] on port 443 is full", "512 limit 511", "listen(2) backlog to 1024", "backlog of 511 binds", "find out why nginx[812] does not accept"}},
	{"a full accept queue cut off by somaxconn", []func(*Facts){sysctl("net.core.somaxconn", "128"), listens(listener(129, 128, 0)), counter("TcpExtListenOverflows", 40), counter("TcpExtListenDrops", 40)},
		"critical accept-queue-full,note file-not-in-force", []string{"probably cuts off", "sysctl -w net.core.somaxconn=4096", "in 4 days since boot"}},
	{"an application that has stopped", []func(*Facts){window, counter("TcpPassiveOpens", 0), listens(listener(512, 511, 40)), counter("TcpExtListenOverflows", 40), counter("TcpExtListenDrops", 40)},
		"critical accept-queue-full", []string{"nothing at all was accepted", "!listen(2) backlog to"}},
	{"an application that has stopped, cut off by somaxconn", []func(*Facts){window, counter("TcpPassiveOpens", 0), sysctl("net.core.somaxconn", "128"), listens(listener(129, 128, 40)), counter("TcpExtListenOverflows", 40), counter("TcpExtListenDrops", 40)},
		"critical accept-queue-full,note file-not-in-force", []string{"nothing at all was accepted", "!sysctl -w"}},
	{"an application that has stopped, as its queue shows", []func(*Facts){sysctl("net.core.somaxconn", "128"), listens(still(listener(129, 128, 40), 75*time.Second)), counter("TcpExtListenOverflows", 40), counter("TcpExtListenDrops", 40)},
		"critical accept-queue-full,note file-not-in-force", []string{"newest connection that waits 1m15s", "nothing was accepted from this queue for 1m15s", "!sysctl -w", "!listen(2) backlog"}},
	{"an application that is slow, as its queue shows", []func(*Facts){listens(still(listener(512, 511, 40), time.Second)), counter("TcpExtListenOverflows", 40), counter("TcpExtListenDrops", 40)},
		"critical accept-queue-full", []string{"listen(2) backlog to 1024", "!newest"}},
	{"a listener from before", []func(*Facts){listens(listener(5000, 4999, 0))}, "critical accept-queue-full", []string{"from before somaxconn became 4096"}},
	{"a nearly full accept queue", []func(*Facts){listens(listener(450, 511, 0))}, "warning accept-queue-full", []string{"nearly full"}},
	{"a tiny accept queue with one waiting", []func(*Facts){listens(listener(1, 1, 0))}, "", nil},
	{"a full queue of backlog 0", []func(*Facts){listens(listener(1, 0, 0))}, "critical accept-queue-full", nil},
	{"a pattern in a file", []func(*Facts){line("net.ipv4.conf.*.rp_filter", "2")}, "", nil},
	{"an unknown limit", []func(*Facts){listens(sockets.ListenerQueue{Waiting: 500})}, "", nil},
	{"an accept queue that was full", []func(*Facts){window, listens(listener(0, 511, 3)), counter("TcpExtListenOverflows", 3), counter("TcpExtListenDrops", 3)},
		"warning accept-queue-full", []string{"was full", "in the last 10s"}},
	{"old and few overflows", []func(*Facts){listens(listener(0, 511, 3)), counter("TcpExtListenOverflows", 3), counter("TcpExtListenDrops", 3)},
		"note accept-queue-full", nil},
	{"drops of a socket filter only", []func(*Facts){listens(listener(0, 511, 30000))}, "", nil},
	{"overflows of a listener that is gone", []func(*Facts){counter("TcpExtListenOverflows", 1e5), counter("TcpExtListenDrops", 1e5)},
		"warning listen-overflows", []string{"synwatch trace --cause accept-queue-full"}},
	{"listen drops that nothing explains", []func(*Facts){counter("TcpExtListenOverflows", 10), counter("TcpExtListenDrops", 1e6), listens(listener(0, 511, 30000))},
		"warning listen-drops,warning accept-queue-full", []string{"not for a full accept queue"}},
	{"somaxconn below what is asked", []func(*Facts){sysctl("net.core.somaxconn", "128"), listens(listener(0, 128, 0)), counter("TcpExtListenOverflows", 1e5), counter("TcpExtListenDrops", 1e5)},
		"warning listen-overflows,warning somaxconn-binds,note file-not-in-force", []string{"probably cuts off the accept queues of 1 listener"}},
	{"somaxconn that is low and asked for by none", []func(*Facts){sysctl("net.core.somaxconn", "1024")}, "note file-not-in-force", []string{"/etc/sysctl.conf:1 says 4096"}},
	{"abort on overflow", []func(*Facts){sysctl("net.ipv4.tcp_abort_on_overflow", "1")}, "note abort-on-overflow", nil},

	{"cookies that fail", []func(*Facts){counter("TcpExtSyncookiesFailed", 7008728), counter("TcpExtSyncookiesSent", 5)},
		"warning syn-cookies-failing,note syn-cookies-in-use", []string{"more than were sent"}},
	{"cookies in use", []func(*Facts){window, counter("TcpExtTCPReqQFullDoCookies", 9)}, "warning syn-cookies-in-use",
		[]string{"many sources", "half-open requests of nginx[812] on port 443 at most 511 the application's listen(2) backlog binds; net.ipv4.tcp_max_syn_backlog (1024) does not"}},
	{"cookies in use with a short somaxconn", []func(*Facts){window, sysctl(somaxconn, "128"), listens(listener(0, 128, 0)), counter("TcpExtTCPReqQFullDoCookies", 9)},
		"warning syn-cookies-in-use,note somaxconn-binds,note file-not-in-force", []string{"at most 128 net.core.somaxconn (128) binds; net.ipv4.tcp_max_syn_backlog (1024) does not", "do the clients go on to connect? Else it is a flood, which SYN cookies are for net.core.somaxconn = 4096"}},
	{"cookies off and a small backlog", []func(*Facts){sysctl("net.ipv4.tcp_syncookies", "0"), sysctl("net.ipv4.tcp_max_syn_backlog", "128")},
		"warning syn-cookies-off", []string{"at most 96 three quarters of net.ipv4.tcp_max_syn_backlog (128)", "are SYN cookies to stay off? With them it limits nothing net.ipv4.tcp_max_syn_backlog = 1024", "16 GiB", "!sysctl -w net.ipv4.tcp_max_syn_backlog"}},
	{"cookies off and a small backlog that does not bind", []func(*Facts){sysctl("net.ipv4.tcp_syncookies", "0"), sysctl("net.ipv4.tcp_max_syn_backlog", "256"), listens(listener(0, 128, 0))}, "", nil},
	{"cookies off and a small backlog of an old kernel", []func(*Facts){kernel("3.10.0-1160.el7"), sysctl("net.ipv4.tcp_syncookies", "0"), sysctl("net.ipv4.tcp_max_syn_backlog", "128")},
		"warning syn-cookies-off", []string{"sysctl -w net.ipv4.tcp_max_syn_backlog=1024"}},
	{"cookies off and drops", []func(*Facts){window, sysctl("net.ipv4.tcp_syncookies", "0"), counter("TcpExtTCPReqQFullDrop", 5), counter("TcpExtListenDrops", 5)},
		"critical syn-cookies-off", []string{"net.ipv4.tcp_syncookies=1", "!tcp_max_syn_backlog="}},
	{"cookies off and a good backlog", []func(*Facts){sysctl("net.ipv4.tcp_syncookies", "0")}, "", nil},
	{"cookies always", []func(*Facts){sysctl("net.ipv4.tcp_syncookies", "2"), counter("TcpExtSyncookiesSent", 1e6)}, "note syn-cookies-always", nil},

	{"tw_recycle on", []func(*Facts){sysctl(twRecycle, "1"), line(twRecycle, "1"), counter("TcpExtPAWSPassive", 1e6), counter("TcpExtListenDrops", 1e6)},
		"critical tw-recycle", []string{"sysctl -w net.ipv4.tcp_tw_recycle=0", "take the line out of /etc/sysctl.conf:7", "sed -i '7s/^/#/' /etc/sysctl.conf"}},
	{"tw_recycle on without timestamps", []func(*Facts){sysctl(twRecycle, "1"), sysctl(timestamps, "0"), counter("TcpExtListenDrops", 1e6)},
		"warning listen-drops,warning tw-recycle,warning timestamps-off", []string{"nothing while net.ipv4.tcp_timestamps is 0", "sysctl -w net.ipv4.tcp_tw_recycle=0"}},
	{"tw_recycle in a file only", []func(*Facts){sysctl(twRecycle, "0"), line(twRecycle, "1")}, "warning tw-recycle", []string{"after the next boot"}},
	{"tw_recycle in a file and gone", []func(*Facts){line(twRecycle, "1")}, "note tw-recycle-gone", []string{"/etc/sysctl.conf:7"}},
	{"tw_recycle off in a file", []func(*Facts){sysctl(twRecycle, "0"), line(twRecycle, "0")}, "", nil},
	{"tw_recycle in a file of a machine that is not known", []func(*Facts){without(timestamps), line(twRecycle, "1"), func(f *Facts) { f.System.Kernel = "" }},
		"warning tw-recycle", []string{"with a kernel before 4.12"}},
	{"tw_recycle in a file of a saved old machine", []func(*Facts){without(timestamps), line(twRecycle, "1"), func(f *Facts) { f.System.Kernel, f.System.Saved = "3.10.0-1160.el7", true }},
		"critical tw-recycle", []string{"3.10.0-1160.el7"}},
	{"tw_reuse", []func(*Facts){sysctl(twReuse, "1")}, "note tw-reuse", []string{"helps no server"}},
	{"no timestamps", []func(*Facts){sysctl(timestamps, "0")}, "warning timestamps-off", nil},
	{"PAWS", []func(*Facts){window, counter("TcpExtPAWSTimewait", 5)}, "warning paws-rejects", []string{"behind one NAT"}},
	{"PAWS of few segments, and of few connections", []func(*Facts){counter("TcpPassiveOpens", 2e5), counter("TcpInSegs", 6e7), counter("TcpExtPAWSEstab", 7000)},
		"note paws-rejects", []string{"says nothing of a NAT", "!behind one NAT"}},
	{"PAWS of many segments", []func(*Facts){counter("TcpInSegs", 6e6), counter("TcpExtPAWSEstab", 7000)}, "warning paws-rejects", []string{"!behind one NAT"}},
	{"PAWS of few segments now", []func(*Facts){window, counter("TcpInSegs", 1e5), counter("TcpExtPAWSEstab", 50)}, "note paws-rejects", nil},
	{"a little PAWS long ago", []func(*Facts){counter("TcpExtPAWSEstab", 50)}, "note paws-rejects", nil},
	{"TIME_WAIT overflow", []func(*Facts){window, counter("TcpExtTCPTimeWaitOverflow", 5)}, "warning time-wait-full", []string{"net.ipv4.tcp_max_tw_buckets=131072"}},
	{"few in TIME_WAIT allowed", []func(*Facts){window, sysctl(twBuckets, "5000"), counter("TcpExtTCPTimeWaitOverflow", 5)}, "warning time-wait-full", []string{"net.ipv4.tcp_max_tw_buckets=65536"}},
	{"TIME_WAIT overflow of a proxy", []func(*Facts){counter("TcpActiveOpens", 9e7), counter("TcpExtTCPTimeWaitOverflow", 5e4)}, "note time-wait-full", nil},
	{"TIME_WAIT nearly full", []func(*Facts){func(f *Facts) { f.Space.Sockets.TimeWait = 60000 }}, "warning time-wait-full", nil},
	{"orphans", []func(*Facts){func(f *Facts) { f.Space.Sockets.Orphans = 40000 }}, "warning orphans", []string{"!tcp_max_orphans="}},
	{"few orphans allowed", []func(*Facts){sysctl(maxOrphans, "1024"), func(f *Facts) { f.Space.Sockets.Orphans = 600 }}, "warning orphans", []string{"net.ipv4.tcp_max_orphans=65536"}},
	{"aborts for want of memory", []func(*Facts){window, counter("TcpExtTCPAbortOnMemory", 1)}, "warning orphans", nil},
	{"TCP memory", []func(*Facts){func(f *Facts) { f.Space.Sockets.Pages = 290000 }}, "critical tcp-memory", nil},

	{"a full table", []func(*Facts){sysctl(ctCount, "262144"), counter("Conntrackdrop", 1e6)},
		"critical conntrack-full", []string{"100 % of 262144", "net.netfilter.nf_conntrack_max=524288", "echo 131072 > /sys/module/nf_conntrack/parameters/hashsize", "synwatch conntrack"}},
	{"a full table of one range", []func(*Facts){sysctl(ctCount, "262144"), heldBy("198.51.100.0/29")},
		"critical conntrack-full", []string{"198.51.100.0/29 holds 90 % of it, tcp ESTABLISHED", "900 90 % of 1000, from 5 sources, tcp ESTABLISHED, median idle 3 hours", "talk to the operators of 198.51.100.0/29",
			"conntrack -D -f ipv4 -s 198.51.100.0/29 -p tcp --state ESTABLISHED", "frees 890 tcp ESTABLISHED entries", "nf_conntrack_tcp_timeout_established=86400", "net.netfilter.nf_conntrack_max=524288"}},
	{"a full table of one client of IPv6, with a short timeout", []func(*Facts){sysctl(ctCount, "262144"), sysctl(ctEstablished, "3600"), heldBy("2001:db8::1/128")},
		"critical conntrack-full", []string{"-f ipv6 -s 2001:db8::1 -p tcp", "ip6 saddr 2001:db8::1 ct", "!timeout_established="}},
	{"a full table of nobody's", []func(*Facts){sysctl(ctCount, "262144"), func(f *Facts) { f.Space.Holders = &conntrack.Summary{Entries: 262144, NumAddresses: 200000} }},
		"critical conntrack-full", []string{"sources in the table 200000", "synwatch conntrack", "!talk to"}},
	{"a filling table", []func(*Facts){sysctl(ctCount, "220000"), sysctl(ctEstablished, "86400")}, "warning conntrack-full", nil},
	{"a full table that memory cannot double", []func(*Facts){sysctl(ctCount, "262144"), sysctl(ctEstablished, "86400"), func(f *Facts) { f.System.Memory = 1 << 30 }},
		"critical conntrack-full", []string{"do not track", "!nf_conntrack_max="}},
	{"no limit", []func(*Facts){sysctl(ctCount, "262144"), sysctl(ctMax, "0")}, "", nil},
	{"drops of a table that was full", []func(*Facts){window, counter("Conntrackdrop", 9)}, "warning conntrack-drops", []string{"0 % of 262144"}},
	{"tw_recycle that was on", []func(*Facts){counter("TcpExtPAWSPassive", 1e6), sysctl(twRecycle, "0")}, "warning paws-rejects", []string{"when tcp_tw_recycle was on"}},
	{"early drops", []func(*Facts){window, counter("Conntrackearly_drop", 1)}, "warning conntrack-early-drops", nil},
	{"early drops of a table that has room now", []func(*Facts){window, counter("Conntrackearly_drop", 1), heldBy("198.51.100.0/29")},
		"warning conntrack-early-drops", []string{"synwatch conntrack", "!conntrack -D"}},
	{"clashes that count as drops, too", []func(*Facts){counter("Conntrackinsert_failed", 20000), counter("Conntrackdrop", 20000)}, "warning conntrack-insert-failed", []string{"does this machine do source NAT", "!hangs in connect()"}},
	{"clashes and drops", []func(*Facts){counter("Conntrackinsert_failed", 20000), counter("Conntrackchainlength", 5000), counter("Conntrackdrop", 40000)},
		"warning conntrack-drops,warning conntrack-insert-failed,warning conntrack-chains", []string{"25000 of them without those of Conntrackinsert_failed"}},
	{"clashes and drops of an old kernel", []func(*Facts){kernel("3.10.0-1160.el7"), counter("Conntrackinsert_failed", 20000), counter("Conntrackdrop", 20000)},
		"warning conntrack-drops,warning conntrack-insert-failed", []string{"!of them without"}},
	{"failed inserts", []func(*Facts){window, counter("Conntrackinsert_failed", 3)}, "warning conntrack-insert-failed", []string{"random-fully"}},
	{"long chains", []func(*Facts){window, counter("Conntrackinsert_failed", 3), counter("Conntrackchainlength", 3)}, "warning conntrack-chains", []string{"hashsize"}},
	{"few buckets", []func(*Facts){sysctl(ctBuckets, "16384")}, "note conntrack-buckets", []string{"echo 65536"}},
	{"few buckets and many entries", []func(*Facts){sysctl(ctBuckets, "16384"), sysctl(ctCount, "100000")}, "warning conntrack-buckets", nil},
	{"five days in a table that fills", []func(*Facts){sysctl(ctCount, "140000")}, "note conntrack-timeout", []string{"are most of the entries ESTABLISHED?", "!timeout_established=86400"}},
	{"five days in a table that fills with idle connections", []func(*Facts){sysctl(ctCount, "140000"), heldIn(established)}, "warning conntrack-timeout", []string{"timeout_established=86400"}},
	{"five days in a table that fills with others", []func(*Facts){sysctl(ctCount, "140000"), heldIn("SYN_SENT")}, "", nil},
	{"a full table of short connections", []func(*Facts){sysctl(ctCount, "262144"), sysctl(timeoutPrefix+"tcp_timeout_time_wait", "120"), heldIn(timeWait)},
		"critical conntrack-full", []string{"sysctl -w net.netfilter.nf_conntrack_tcp_timeout_time_wait=30", "keep connections open", "closes connections quickly", "nf_conntrack_max=524288", "!timeout_established", "!forgets connections"}},
	{"a full table of short connections with a timeout that is not known", []func(*Facts){sysctl(ctCount, "262144"), heldIn(timeWait)},
		"critical conntrack-full", []string{"is it longer now? The kernel's default is 120 net.netfilter.nf_conntrack_tcp_timeout_time_wait = 30", "!tcp_timeout_time_wait=30"}},
	{"a full table of short connections with a short timeout", []func(*Facts){sysctl(ctCount, "262144"), sysctl(timeoutPrefix+"tcp_timeout_time_wait", "20"), heldIn(timeWait)},
		"critical conntrack-full", []string{"!time_wait=30", "!time_wait = 30", "!timeout_established"}},
	{"a full table of a state without a timeout worth a change", []func(*Facts){sysctl(ctCount, "262144"), heldIn("LAST_ACK")}, "critical conntrack-full", []string{"!_timeout_"}},
	{"a full table below the kernel's own size", []func(*Facts){sysctl(ctCount, "30000"), sysctl(ctMax, "30000"), sysctl(ctBuckets, "7500")},
		"critical conntrack-full", []string{"nf_conntrack_max=262144", "echo 65536 >"}},

	{"collapsed queues with small buffers", []func(*Facts){window, counter("TcpInSegs", 1e6), counter("TcpExtTCPRcvCollapsed", 10703), sysctl(tcpRmem, "4096 87380 174760")},
		"warning receive-buffers", []string{"sysctl -w 'net.ipv4.tcp_rmem=4096 87380 6291456'"}},
	{"collapsed queues with good buffers", []func(*Facts){window, counter("TcpInSegs", 1e6), counter("TcpExtTCPRcvCollapsed", 10703)}, "warning receive-buffers", []string{"reads slowly", "!tcp_rmem="}},
	{"a little collapse long ago", []func(*Facts){counter("TcpExtTCPRcvCollapsed", 1000)}, "note receive-buffers", nil},
	{"collapsed queues of a kernel with larger buffers", []func(*Facts){counter("TcpExtBeyondWindow", 0), counter("TcpExtTCPRcvCollapsed", 1e7), sysctl(tcpRmem, "4096 87380 6291456")},
		"warning receive-buffers", []string{"net.ipv4.tcp_rmem=4096 87380 33554432"}},
	{"a few socket backlogs", []func(*Facts){window, counter("TcpExtTCPBacklogDrop", 20)}, "note socket-backlog", nil},
	{"socket backlogs", []func(*Facts){window, counter("TcpInSegs", 1e4), counter("TcpExtTCPBacklogDrop", 20)}, "warning socket-backlog", nil},

	{"CPU backlog", []func(*Facts){window, func(f *Facts) { f.System.Softnet.Dropped = 5 }}, "warning netdev-backlog", []string{"net.core.netdev_max_backlog=2000"}},
	{"a short CPU backlog", []func(*Facts){window, sysctl(maxBacklog, "100"), func(f *Facts) { f.System.Softnet.Dropped = 5 }}, "warning netdev-backlog", []string{"net.core.netdev_max_backlog=2000"}},
	{"reverse path", []func(*Facts){window, counter("TcpExtIPReversePathFilter", 1)}, "warning reverse-path-filter", []string{"sysctl -w net.ipv4.conf.eth0.rp_filter=2"}},
	{"reverse path of three", []func(*Facts){window, counter("TcpExtIPReversePathFilter", 1), sysctl(rpKey("br-9"), "1"), sysctl(rpKey("eth1.7"), "1"), sysctl(rpKey("lo"), "1")},
		"warning reverse-path-filter", []string{"strict filter 3 br-9, eth0, eth1.7", "which interface do they come in on", "!rp_filter=2"}},
	{"reverse path, strict by all", []func(*Facts){window, counter("TcpExtIPReversePathFilter", 1), sysctl(rpKey("all"), "1"), sysctl(rpKey("eth0"), "0"), sysctl(rpKey("eth1"), "0")},
		"warning reverse-path-filter", []string{"net.ipv4.conf.all.rp_filter 1", "strict filter 2 eth0, eth1", "!rp_filter=2"}},
	{"reverse path beside a loose one", []func(*Facts){window, counter("TcpExtIPReversePathFilter", 1), sysctl(rpKey("eth1"), "2")},
		"warning reverse-path-filter", []string{"is it eth0 that they come in on", "net.ipv4.conf.eth0.rp_filter = 2", "!rp_filter=2"}},
	{"reverse path, loose by all", []func(*Facts){window, counter("TcpExtIPReversePathFilter", 1), sysctl(rpKey("all"), "2")},
		"warning reverse-path-filter", []string{"no route back", "ip route get ADDRESS", "!rp_filter=2", "!rp_filter = 2", "!another interface"}},
	{"reverse path of an interface that is gone", []func(*Facts){window, counter("TcpExtIPReversePathFilter", 1), without(rpKey("eth0"))}, "warning reverse-path-filter", []string{"!rp_filter = 2", "!no route back"}},
	{"a neighbour table nearly full", []func(*Facts){counter("Neighbourentries", 1000)}, "warning neighbour-table", []string{"gc_thresh3=2048", "gc_thresh2=1024", "gc_thresh1=512"}},
	{"a small neighbour table with its own thresholds", []func(*Facts){sysctl("net.ipv4.neigh.default.gc_thresh3", "21"), sysctl("net.ipv4.neigh.default.gc_thresh2", "80000")}, "warning neighbour-table", []string{"gc_thresh3=1024", "!gc_thresh2="}},
	{"a neighbour table that overflowed", []func(*Facts){window, counter("Neighbourtable_fulls", 1)}, "warning neighbour-table", nil},
	{"unresolved neighbours", []func(*Facts){counter("Neighbourunresolved_discards", 100)}, "note neighbour-unresolved", nil},
	{"a SYN flood in the log", []func(*Facts){func(f *Facts) { f.System.Log = []survey.LogEvent{{Kind: survey.LogSYNFlood, Count: 2, Port: 8080}} }}, "note kernel-log", []string{"port 8080"}},
}

func kernel(release string) func(*Facts) { return func(f *Facts) { f.System.Kernel = release } }

// heldIn has nearly all entries be in one state.
func heldIn(state string) func(*Facts) {
	return func(f *Facts) {
		heldBy("203.0.113.0/24")(f)
		kind := conntrack.Kind{Proto: unix.IPPROTO_TCP, State: state}
		f.Space.Holders.States[0].Kind, f.Space.Holders.Prefixes[0].Mostly = &kind, kind
	}
}

// heldBy has nine tenths of the table be of one range.
func heldBy(prefix string) func(*Facts) {
	return func(f *Facts) {
		established := conntrack.Kind{Proto: unix.IPPROTO_TCP, State: "ESTABLISHED"}
		f.Space.Holders = &conntrack.Summary{
			Entries: 1000, NumAddresses: 6, Since: conntrack.Idle,
			States: []conntrack.Group{{Kind: &established, Entries: 950}},
			Prefixes: []conntrack.Group{{
				Prefix: netip.MustParsePrefix(prefix), Entries: 900, Addresses: 5,
				Mostly: established, MostlyEntries: 890, Median: 3 * time.Hour, MedianOf: 890,
			}},
		}
	}
}

func TestRules(t *testing.T) {
	fired := map[string]bool{}
	for _, row := range rows {
		f := healthy()
		for _, spoil := range row.wrong {
			spoil(&f)
		}
		var got []string
		text := ""
		for _, x := range Check([]Facts{f}) {
			got = append(got, x.Severity.String()+" "+x.ID)
			fired[x.ID] = true
			text += said(x)
			if x.Title == "" || x.Means == "" || x.Evidence == nil || len(x.Changes) == 0 {
				t.Errorf("%s: %s is not complete: %+v", row.name, x.ID, x)
			}
		}
		if diff := cmp.Diff(row.want, strings.Join(got, ",")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
		for _, want := range row.says {
			not, absent := strings.CutPrefix(want, "!")
			if strings.Contains(text, not) == absent {
				t.Errorf("%s: %q in:\n%s", row.name, want, text)
			}
		}
	}
	for _, r := range rules {
		if r.Scope != Trace && !fired[r.ID] {
			t.Errorf("no row makes %s fire", r.ID)
		}
	}
}

// said is all that a finding says.
func said(x Finding) string {
	text := x.Title + "\n" + x.Means + "\n"
	for _, e := range x.Evidence {
		text += e.What + " " + e.Value + " " + e.Where + "\n"
	}
	for _, c := range x.Changes {
		text += c.Do + " " + c.Command.String() + " " + c.Why + "\n"
		if c.Basis == Assumed {
			text += c.If + " " + c.Sysctl + " = " + c.Value + "\n"
		}
	}
	return text
}

// Nothing is known of a machine: nothing is wrong with it.
func TestUnknownFactsFireNothing(t *testing.T) {
	if got := Check([]Facts{{}}); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	for _, part := range []string{"counters", "sysctls"} { // one without the other
		for _, row := range rows {
			f := healthy()
			for _, spoil := range row.wrong {
				spoil(&f)
			}
			f.System = survey.System{}
			if part == "counters" {
				f.Space.Counters = nil
			} else {
				f.Space.Sysctls = nil
			}
			f.Space.Sockets = nil
			Check([]Facts{f}) // does not panic
		}
	}
}

func TestRulesAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rules {
		if r.ID == "" || seen[r.ID] || r.When == "" || r.Means == "" || r.Find == nil || (r.Causes != nil) != (r.Scope == Trace && r.ID != "traced-one-range") {
			t.Errorf("rule %q is not complete", r.ID)
		}
		seen[r.ID] = true
		for _, id := range r.Causes {
			if _, ok := cause.Lookup(id); !ok {
				t.Errorf("%s is about %s, which is no cause", r.ID, id)
			}
		}
	}
}

func TestChangesAreMadeInTheirNamespace(t *testing.T) {
	f := healthy()
	f.Space.Own, f.Space.Enter, f.Space.Name = false, []string{"ip", "netns", "exec", "web"}, "web"
	f.Space.Sysctls[timestamps] = "0"
	f.Space.Sysctls[ctCount] = "262144"
	delete(f.Space.Sysctls, maxBacklog)
	text := ""
	found := Check([]Facts{healthy(), f})
	for _, x := range found {
		text += said(x)
		if x.NetnsName != "web" {
			t.Errorf("not in web: %+v", x)
		}
	}
	for _, want := range []string{"ip netns exec web sysctl -w net.ipv4.tcp_timestamps=1", " sysctl -w net.netfilter.nf_conntrack_max=524288"} {
		if !strings.Contains(text, want) || strings.Contains(text, "web sysctl -w net.netfilter.nf_conntrack_max") {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if got := Settings(found); len(got) != 0 {
		t.Errorf("files for another namespace: %+v", got)
	}
}

// A sysctl has one value in all findings of a namespace: the largest of what is
// known to be needed.
func TestOneValueOfASysctl(t *testing.T) {
	found := []Finding{
		{ID: "a", Severity: Critical, Changes: []Change{set(somaxconn, 4096, ""), do("x", "")}},
		{ID: "b", Severity: Warning, Changes: []Change{set(somaxconn, 8192, "")}},
		{ID: "c", Severity: Warning, Changes: []Change{set(somaxconn, 16384, "").ask("?"), set("net.y", 1, "").ask("?")}},
		{ID: "d", Severity: Note, Changes: []Change{set("net.x", 1, "")}},
		{ID: "e", Severity: Warning, Netns: 7, otherNetns: true, Changes: []Change{set(somaxconn, 1024, ""), set(ctMax, 5, "")}},
		{ID: "f", Severity: Warning, Changes: []Change{set(ctMax, 9, "")}},
	}
	oneValue(found)
	for _, test := range []struct {
		finding int
		want    string
	}{{0, "8192"}, {1, "8192"}, {2, "8192"}, {4, "1024"}, {5, "9"}} {
		if got := found[test.finding].Changes[0].Value; got != test.want {
			t.Errorf("%s: got %s, not %s", found[test.finding].ID, got, test.want)
		}
	}
	if got := found[4].Changes[1].Value; got != "9" {
		t.Errorf("two values of a sysctl that is global: %s", got)
	}
	var got []string
	for _, s := range Settings(found) {
		got = append(got, s.Sysctl+"="+s.Value+" "+s.ID)
	}
	if diff := cmp.Diff([]string{somaxconn + "=8192 a", ctMax + "=9 f"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSinceTakesOffWhatWasBefore(t *testing.T) {
	before, now := snapshot(100, 7), snapshot(103, 9)
	now.Time = now.Time.Add(10 * time.Second)
	f := FactsOf(now, before)[0]
	if f.Window != 10*time.Second || f.Space.Counters["TcpExtListenDrops"] != 3 || f.Space.Counters["TcpCurrEstab"] != 103 ||
		f.System.Softnet.Dropped != 2 {
		t.Errorf("%+v", f)
	}
	if f := FactsOf(now, nil)[0]; f.Window != 0 || f.Space.Counters["TcpExtListenDrops"] != 103 {
		t.Errorf("%+v", f)
	}
}

// A counter that is smaller than before began again from zero; so did all of them
// where another namespace has the number.
func TestSinceOfCountersThatFell(t *testing.T) {
	counters := func(drops, accepted uint64) nstat.Values {
		return nstat.Values{"TcpExtListenDrops": drops, "TcpPassiveOpens": accepted, "TcpCurrEstab": drops}
	}
	for name, test := range map[string]struct {
		before, now netns.ID
		accepted    uint64
	}{
		"the same":           {netns.ID{Cookie: 7, Inode: 1}, netns.ID{Cookie: 7, Inode: 1}, 2},
		"another":            {netns.ID{Cookie: 7, Inode: 1}, netns.ID{Cookie: 8, Inode: 1}, 12},
		"perhaps another":    {netns.ID{Inode: 1}, netns.ID{Inode: 1}, 12},
		"another number":     {netns.ID{Cookie: 7, Inode: 1}, netns.ID{Cookie: 7, Inode: 2}, 12},
		"known to be gone":   {netns.ID{}, netns.ID{Cookie: 8, Inode: 1}, 12},
		"known since lately": {netns.ID{Inode: 1}, netns.ID{Cookie: 8, Inode: 1}, 12},
	} {
		before := &survey.Snapshot{Spaces: []survey.Space{{Netns: test.before, Counters: counters(5, 10)}}}
		now := &survey.Snapshot{Spaces: []survey.Space{{Netns: test.now, Counters: counters(3, 12)}}}
		got := FactsOf(now, before)[0].Space.Counters
		if diff := cmp.Diff(nstat.Values{"TcpExtListenDrops": 3, "TcpPassiveOpens": test.accepted, "TcpCurrEstab": 3}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSinceOfACPUThatIsUnplugged(t *testing.T) {
	before, now := snapshot(1, 900), snapshot(1, 5) // sums that fell
	if s := FactsOf(now, before)[0].System.Softnet; s != nil {
		t.Errorf("known: %+v", s)
	}
}

func snapshot(n, dropped uint64) *survey.Snapshot {
	return &survey.Snapshot{
		System: survey.System{Softnet: &nstat.Softnet{Dropped: dropped}},
		Spaces: []survey.Space{{Netns: netns.ID{Inode: 1}, Counters: nstat.Values{"TcpExtListenDrops": n, "TcpCurrEstab": n}}},
	}
}
