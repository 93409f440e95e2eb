// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/proc"
)

func TestParseNetstatSockets(t *testing.T) {
	got, bad := ParseNetstat(`Active Internet connections (servers and established)
Proto Recv-Q Send-Q Local Address           Foreign Address         State       User       Inode      PID/Program name     Timer
tcp      129      0 0.0.0.0:8080            0.0.0.0:*               LISTEN      0          23411      2113/java            off (0.00/0/0)
tcp        0      0 10.0.0.1:22             10.0.0.9:4              ESTABLISHED 0          23412      840/sshd: root@pts   keepalive (1.00/0/0)
tcp6       0      0 :::25                   :::*                    LISTEN      0          23413      -                    off (0.00/0/0)
tcp        4      0 127.0.0.1:631           0.0.0.0:*               LISTEN      77/cupsd: master
tcp        4      0 127.0.0.1:632           0.0.0.0:*               LISTEN
tcp        x      0 127.0.0.1:633           0.0.0.0:*               LISTEN      -
tcp        0      0 localhost:ipp           0.0.0.0:*               LISTEN      -
udp        0      0 0.0.0.0:68              0.0.0.0:*                           0          23414      9/dhclient
`)
	want := []ListenerQueue{
		{Addr: netip.MustParseAddrPort("0.0.0.0:8080"), Process: proc.Process{PID: 2113, Comm: "java"}, Waiting: 129, Inode: 23411},
		{Addr: netip.MustParseAddrPort("[::]:25"), Inode: 23413},
		{Addr: netip.MustParseAddrPort("127.0.0.1:631"), Process: proc.Process{PID: 77, Comm: "cupsd"}, Waiting: 4},
		{Addr: netip.MustParseAddrPort("127.0.0.1:632"), Waiting: 4},
	}
	if diff := cmp.Diff(want, got, equateSockets); bad != 2 || diff != "" {
		t.Errorf("%d lines are bad, (-want +got):\n%s", bad, diff)
	}
	unnamed := []ListenerQueue{{Addr: want[0].Addr}, {Addr: want[1].Addr}, {Addr: want[2].Addr, Process: proc.Process{PID: 5}}}
	FillOwners(unnamed, got)
	if unnamed[0].PID != 2113 || unnamed[1].PID != 0 || unnamed[2].PID != 5 {
		t.Errorf("owners: %+v", unnamed)
	}
}

func FuzzParseNetstatSockets(f *testing.F) {
	f.Add("tcp 129 0 0.0.0.0:8080 0.0.0.0:* LISTEN 0 23411 2113/java off (0.00/0/0)")
	f.Fuzz(func(_ *testing.T, text string) { ParseNetstat(text) })
}
