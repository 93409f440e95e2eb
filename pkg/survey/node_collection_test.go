// SPDX-License-Identifier: Apache-2.0

package survey

import "testing"

func TestNodeCollection(t *testing.T) {
	s := surveyOf(t, map[string]string{
		"networking/conntrack.txt": "*** Output of conntrack -S ***\ncpu=0 found=1 drop=3\ncpu=1 found=1 drop=4\n*** Output of conntrack -L ***\n" +
			"tcp      6 431000 ESTABLISHED src=203.0.113.1 dst=10.0.0.1 sport=4 dport=80 src=10.0.0.1 dst=203.0.113.1 sport=80 dport=4 [ASSURED] mark=0 use=2\n",
		"networking/netstat.txt":   "Tcp:\n    7 passive connection openings\ntcp        9      0 0.0.0.0:8080            0.0.0.0:*               LISTEN      2113/java\n",
		"networking/iptables.txt":  "cpu=0 drop=1000\n",
		"sysctls/sysctl_all.out":   "net.core.somaxconn = 128\n",
		"kernel/dmesg.current":     "[ 1.0] nf_conntrack: table full, dropping packet\n",
		"system/uptime.txt":        "10:11:12 up 1 day, 5 min,  1 user,  load average: 0.10, 0.20, 0.30\n",
		"system/conntrack-new.out": "-> ../../../../proc/version",
	})
	own := &s.Spaces[0]
	if own.Counters["Conntrackdrop"] != 7 || own.Counters["TcpPassiveOpens"] != 7 || own.Sysctls["net.core.somaxconn"] != "128" || own.Holders == nil || own.Holders.Entries != 1 {
		t.Errorf("%+v", own)
	}
	if len(own.Listeners) != 1 || own.Listeners[0].Waiting != 9 || own.Listeners[0].PID != 2113 {
		t.Errorf("%+v", own.Listeners)
	}
	if len(s.System.Log) != 1 || s.System.Log[0].Kind != LogConntrackFull || s.System.Uptime == 0 || s.sayUnread("not understood") {
		t.Errorf("%+v, unread %q", s.System, s.Unread)
	}
}
