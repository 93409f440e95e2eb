// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/proc"
)

func number[T any](n T) *T { return &n }

func TestParseSS(t *testing.T) {
	got, bad := ParseSS(`Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port
udp   UNCONN 0      0      *:68               *:*
tcp   LISTEN 129    128    *:80               *:*   users:(("httpd",pid=812,fd=4),("httpd",pid=811,fd=4),("systemd",pid=1,fd=40)) uid:48 ino:1901 sk:1 cgroup:/system.slice/httpd.service <->
	 skmem:(r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d2210) cubic rto:1000 mss:536 cwnd:10
LISTEN 0 511 10.0.0.1%eth0:443 *:* users:(("nginx",77,6))
	 skmem:(r0,rb87380,t0,tb16384,f0,w0,o0,bl0)
tcp   ESTAB  0      0      10.0.0.1:80        10.0.0.2:4
	 skmem:(r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d9)
tcp   LISTEN 0      100    [::1]:25           [::]:*  skmem:(r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d0)
tcp   LISTEN x      100    :::25              :::*
	 skmem:(r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d11)
tcp   LISTEN 1      100
u_str LISTEN 0      128    /run/x 100         * 0
`)
	want := []ListenerQueue{
		{
			Addr: netip.MustParseAddrPort("[::]:80"), Process: proc.Process{PID: 811, Comm: "httpd", Unit: "httpd.service"},
			Waiting: 129, Limit: number[uint32](128), Drops: number[uint64](2210), Inode: 1901,
		},
		{Addr: netip.MustParseAddrPort("10.0.0.1:443"), Process: proc.Process{PID: 77, Comm: "nginx"}, Limit: number[uint32](511)},
		{Addr: netip.MustParseAddrPort("[::1]:25"), Limit: number[uint32](100), Drops: number[uint64](0)},
	}
	if diff := cmp.Diff(want, got, equateSockets); bad != 2 || diff != "" {
		t.Errorf("%d lines are bad, (-want +got):\n%s", bad, diff)
	}
}

// Without tcp_diag ss knows no limit, and prints 0.
func TestParseSSWithoutLimits(t *testing.T) {
	const text = "LISTEN 3 0 *:80 *:*\nLISTEN 0 %d *:81 *:*\n"
	if got, _ := ParseSS(fmt.Sprintf(text, 0)); len(got) != 2 || got[0].Waiting != 3 || got[0].Limit != nil || got[1].Limit != nil {
		t.Errorf("%+v", got)
	}
	if got, _ := ParseSS(fmt.Sprintf(text, 5)); len(got) != 2 || got[0].Limit == nil || !got[0].Full() || got[1].Full() {
		t.Errorf("%+v", got)
	}
}

func FuzzParseSS(f *testing.F) {
	f.Add("tcp LISTEN 129 128 *:80 *:* users:((\"httpd\",pid=812,fd=4))\n\t skmem:(r0,d5)")
	f.Fuzz(func(_ *testing.T, text string) { ParseSS(text) })
}
