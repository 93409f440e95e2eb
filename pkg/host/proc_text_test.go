// SPDX-License-Identifier: Apache-2.0

package host

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const netstatText = `Ip:
    1399841003 total packets received
Tcp:
    204 active connections openings
    9024728 passive connection openings
    1399841003 segments received
    28 bad segments received.
Udp:
    17 packet receive errors
TcpExt:
    35544811584 SYNS to LISTEN sockets dropped
    7008728 invalid SYN cookies received
    10703 packets collapsed in receive queue due to low socket buffer
    9107 times the listen queue of a socket overflowed
    1123035 passive connections rejected because of time stamp
    285 packets rejects in established connections because of timestamp
    Quick ack mode was activated 6953799 times
    TCP ran low on memory 3 times
    TCPBacklogDrop: 12
    TCPReqQFullDoCookies: 5
    IPReversePathFilter: 4
IpExt:
    InBcastPkts: 99999999999999999999
`

func TestParseNetstatText(t *testing.T) {
	want := Values{
		"TcpActiveOpens": 204, "TcpPassiveOpens": 9024728, "TcpInSegs": 1399841003, "TcpInErrs": 28,
		"TcpExtListenDrops": 35544811584, "TcpExtSyncookiesFailed": 7008728, "TcpExtTCPRcvCollapsed": 10703,
		"TcpExtListenOverflows": 9107, "TcpExtPAWSPassive": 1123035, "TcpExtPAWSEstab": 285,
		"TcpExtTCPMemoryPressures": 3, "TcpExtTCPBacklogDrop": 12, "TcpExtTCPReqQFullDoCookies": 5,
		"TcpExtIPReversePathFilter": 4,
	}
	if diff := cmp.Diff(want, parseNetstatText(netstatText)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzParseNetstatText(f *testing.F) {
	f.Add(netstatText)
	f.Fuzz(func(_ *testing.T, text string) { parseNetstatText(text) })
}

func TestParseProcFiles(t *testing.T) {
	softnet := parseSoftnet("00000010 00000002 00000001 0 0\nbad\n0000000a 00000001 00000000 0 0\n0000000z 1 1\n")
	if diff := cmp.Diff(&Softnet{Processed: 26, Dropped: 3, Squeezed: 1}, softnet); diff != "" {
		t.Errorf("softnet (-want +got):\n%s", diff)
	}
	if parseSoftnet("") != nil {
		t.Error("nothing is zero")
	}
	sockets := parseSockstat("sockets: used 290\nTCP: inuse 5 orphan 1 tw 22 alloc 7 mem 3\nUDP: inuse 2 mem 1\n")
	if diff := cmp.Diff(&TCPSockets{InUse: 5, Orphans: 1, TimeWait: 22, Pages: 3}, sockets); diff != "" {
		t.Errorf("sockstat (-want +got):\n%s", diff)
	}
	if parseSockstat("UDP: inuse 2\n") != nil {
		t.Error("nothing is zero")
	}
	if n := parseMemTotal("MemTotal:       16303428 kB\nMemFree: 1 kB\n"); n != 16303428<<10 {
		t.Errorf("memory %d", n)
	}
	if d := parseUptime("12.50 8.00\n"); d != 12500*time.Millisecond {
		t.Errorf("uptime %v", d)
	}
	sysctls := parseSysctlList("net.core.somaxconn = 128\nnet.ipv4.tcp_rmem = 4096\t87380\t6291456\nsysctl: permission denied on key 'x' = y\n")
	if diff := cmp.Diff(map[string]string{"net.core.somaxconn": "128", "net.ipv4.tcp_rmem": "4096 87380 6291456"}, sysctls); diff != "" {
		t.Errorf("sysctl -a (-want +got):\n%s", diff)
	}
}

func TestParseSS(t *testing.T) {
	limit := func(n uint32) *uint32 { return &n }
	got := parseSS(`Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port
udp   UNCONN 0      0      *:68               *:*
tcp   LISTEN 129    128    *:80               *:*   users:(("httpd",pid=812,fd=4),("httpd",pid=813,fd=4)) ino:1
LISTEN 0 511 10.0.0.1%eth0:443 *:* users:(("nginx",77,6))
tcp   ESTAB  0      0      10.0.0.1:80        10.0.0.2:4
tcp   LISTEN 0      100    [::1]:25           [::]:*
tcp   LISTEN x      100    :::25              :::*
`)
	want := []ListenerQueue{
		{Addr: netip.MustParseAddrPort("[::]:80"), Process: Process{PID: 812, Comm: "httpd"}, Waiting: 129, Limit: limit(128)},
		{Addr: netip.MustParseAddrPort("10.0.0.1:443"), Process: Process{PID: 77, Comm: "nginx"}, Limit: limit(511)},
		{Addr: netip.MustParseAddrPort("[::1]:25"), Limit: limit(100)},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.AddrPort{}), cmpopts.IgnoreUnexported(ListenerQueue{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzParseSS(f *testing.F) {
	f.Add("tcp LISTEN 129 128 *:80 *:* users:((\"httpd\",pid=812,fd=4))")
	f.Fuzz(func(_ *testing.T, text string) { parseSS(text) })
}
