// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/synwatch/synwatch/pkg/proc"
)

func TestParseSS(t *testing.T) {
	limit := func(n uint32) *uint32 { return &n }
	got := ParseSS(`Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port
udp   UNCONN 0      0      *:68               *:*
tcp   LISTEN 129    128    *:80               *:*   users:(("httpd",pid=812,fd=4),("httpd",pid=813,fd=4)) ino:1
LISTEN 0 511 10.0.0.1%eth0:443 *:* users:(("nginx",77,6))
tcp   ESTAB  0      0      10.0.0.1:80        10.0.0.2:4
tcp   LISTEN 0      100    [::1]:25           [::]:*
tcp   LISTEN x      100    :::25              :::*
`)
	want := []ListenerQueue{
		{Addr: netip.MustParseAddrPort("[::]:80"), Process: proc.Process{PID: 812, Comm: "httpd"}, Waiting: 129, Limit: limit(128)},
		{Addr: netip.MustParseAddrPort("10.0.0.1:443"), Process: proc.Process{PID: 77, Comm: "nginx"}, Limit: limit(511)},
		{Addr: netip.MustParseAddrPort("[::1]:25"), Limit: limit(100)},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.AddrPort{}), cmpopts.IgnoreUnexported(ListenerQueue{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzParseSS(f *testing.F) {
	f.Add("tcp LISTEN 129 128 *:80 *:* users:((\"httpd\",pid=812,fd=4))")
	f.Fuzz(func(_ *testing.T, text string) { ParseSS(text) })
}
