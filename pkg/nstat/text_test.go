// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const netstatText = `Ip:
    Forwarding: 1
    1399841003 total packets received
    2 with invalid headers
    31 with invalid addresses
    8810 forwarded
    0 incoming packets discarded
    41 dropped because of missing route
    5 fragments failed
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

func TestParseNetstat(t *testing.T) {
	want := Values{
		"IpForwarding": 1, "IpInHdrErrors": 2, "IpInAddrErrors": 31, "IpForwDatagrams": 8810, "IpOutNoRoutes": 41, "IpFragFails": 5,
		"TcpActiveOpens": 204, "TcpPassiveOpens": 9024728, "TcpInSegs": 1399841003, "TcpInErrs": 28,
		"TcpExtListenDrops": 35544811584, "TcpExtSyncookiesFailed": 7008728, "TcpExtTCPRcvCollapsed": 10703,
		"TcpExtListenOverflows": 9107, "TcpExtPAWSPassive": 1123035, "TcpExtPAWSEstab": 285,
		"TcpExtTCPMemoryPressures": 3, "TcpExtTCPBacklogDrop": 12, "TcpExtTCPReqQFullDoCookies": 5,
		"TcpExtIPReversePathFilter": 4,
	}
	if diff := cmp.Diff(want, ParseNetstat(netstatText)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzParseNetstat(f *testing.F) {
	f.Add(netstatText)
	f.Fuzz(func(_ *testing.T, text string) { ParseNetstat(text) })
}

func TestParseSoftnetAndSockstat(t *testing.T) {
	softnet := ParseSoftnet("00000010 00000002 00000001 0 0\nbad\n0000000a 00000001 00000000 0 0\n0000000z 1 1\n")
	if diff := cmp.Diff(&Softnet{Processed: 26, Dropped: 3, Squeezed: 1, Lines: []Softnet{
		{Processed: 16, Dropped: 2, Squeezed: 1}, {Processed: 10, Dropped: 1},
	}}, softnet); diff != "" {
		t.Errorf("softnet (-want +got):\n%s", diff)
	}
	if ParseSoftnet("") != nil {
		t.Error("nothing is zero")
	}
	sockets := ParseSockstat("sockets: used 290\nTCP: inuse 5 orphan 1 tw 22 alloc 7 mem 3\nUDP: inuse 2 mem 1\n")
	if diff := cmp.Diff(&TCPSockets{InUse: 5, Orphans: 1, TimeWait: 22, Pages: 3}, sockets); diff != "" {
		t.Errorf("sockstat (-want +got):\n%s", diff)
	}
	if ParseSockstat("UDP: inuse 2\n") != nil {
		t.Error("nothing is zero")
	}
}
