// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestSurveyOfAnEmptyTreeIsAnError(t *testing.T) {
	if s, err := savedTree(t, nil).Survey(); !errors.Is(err, ErrNothing) {
		t.Errorf("got %+v, %v", s, err)
	}
	if _, err := SavedTree(t.TempDir() + "/none"); err == nil {
		t.Error("no error for no directory")
	}
}

// What a tree does not hold is unknown: never zero, and never that of the
// machine that reads it.
func TestSurveyOfATreeWithFilesOnly(t *testing.T) {
	s, err := savedTree(t, map[string]string{"etc/sysctl.conf": "net.core.somaxconn = 4096\n"}).Survey()
	if err != nil {
		t.Fatal(err)
	}
	space, sys := s.Spaces[0], s.System
	if len(space.Counters) != 0 || len(space.Sysctls) != 0 || space.Sockets != nil || space.Listeners != nil || space.Holders != nil {
		t.Errorf("known: %+v", space)
	}
	if sys.Memory != 0 || sys.CPUs != 0 || sys.Uptime != 0 || sys.Softnet != nil || sys.Kernel != "" || len(sys.Files) != 1 {
		t.Errorf("known: %+v", sys)
	}
	if len(s.Unread) != 7 {
		t.Errorf("unread: %v", s.Unread)
	}
}

func TestSurveyOfFilesOfProc(t *testing.T) {
	s, err := savedTree(t, map[string]string{
		"proc/sys/net/core/somaxconn":             "128\n",
		"proc/sys/net/ipv4/conf/eth0.7/rp_filter": "1\n",
		"proc/sys/kernel/osrelease":               "3.10.0-1160.el7.x86_64\n",
		"proc/net/netstat":                        "TcpExt: ListenDrops PAWSPassive\nTcpExt: 5 6\n",
		"proc/net/snmp":                           "Tcp: PassiveOpens\nTcp: 7\n",
		"proc/net/softnet_stat":                   "00000010 00000002 00000001\n",
		"proc/net/sockstat":                       "TCP: inuse 5 orphan 1 tw 22 alloc 7 mem 3\n",
		"proc/net/stat/arp_cache":                 "entries  allocs table_fulls\n00000009  00000001 00000002\n00000009  00000001 00000003\n",
		"proc/meminfo":                            "MemTotal: 1024 kB\n",
		"proc/uptime":                             "60.00 1.00\n",
		"proc/cpuinfo":                            "processor\t: 0\nprocessor\t: 1\n",
		"sos_commands/networking/netstat_-s":      "TcpExt:\n    1 SYNs to LISTEN sockets dropped\n",
		"sos_commands/kernel/sysctl_-a":           "net.core.somaxconn = 1\nnet.ipv4.tcp_tw_recycle = 1\n",
	}).Survey()
	if err != nil {
		t.Fatal(err)
	}
	space, sys := s.Spaces[0], s.System
	for name, want := range map[string]uint64{
		"TcpExtListenDrops": 5, "TcpExtPAWSPassive": 6, "TcpPassiveOpens": 7, "Neighbourentries": 9, "Neighbourtable_fulls": 5,
	} {
		if got := space.Counters[name]; got != want {
			t.Errorf("%s is %d, not %d", name, got, want)
		}
	}
	for key, want := range map[string]string{
		"net.core.somaxconn": "128", "net.ipv4.conf.eth0/7.rp_filter": "1", "net.ipv4.tcp_tw_recycle": "1",
	} {
		if got := space.Sysctls[key]; got != want {
			t.Errorf("%s is %q, not %q", key, got, want)
		}
	}
	if sys.Kernel != "3.10.0-1160.el7.x86_64" || sys.Memory != 1<<20 || sys.CPUs != 2 || sys.Uptime != time.Minute || sys.Softnet.Dropped != 2 || space.Sockets.TimeWait != 22 {
		t.Errorf("%+v, %+v", sys, space.Sockets)
	}
}

func TestNothingOfARunningMachineIsTakenForASavedOne(t *testing.T) {
	s, err := savedTree(t, map[string]string{
		"etc/sysctl.conf": "net.a = 1\n", "proc/net": "-> /proc/self/net", "proc/sys": "-> /proc/sys", "proc/meminfo": "-> /proc/meminfo",
	}).Survey()
	if err != nil {
		t.Fatal(err)
	}
	if space := s.Spaces[0]; len(space.Counters) != 0 || len(space.Sysctls) != 0 || s.System.Memory != 0 {
		t.Errorf("read %+v, %+v", space, s.System)
	}
}

// The table comes from the file of /proc or, in a sosreport, from conntrack -L.
func TestSurveyOfASavedConntrackTable(t *testing.T) {
	const line = "tcp      6 431000 ESTABLISHED src=203.0.113.%d dst=10.0.0.1 sport=4 dport=80 src=10.0.0.1 dst=203.0.113.%d sport=80 dport=4 [ASSURED] mark=0 use=2\n"
	var table strings.Builder
	for i := range 64 {
		fmt.Fprintf(&table, line, i, i)
	}
	table.WriteString("tcp      6 10 SYN_RECV src=192.0.2.1 dst=10.0.0.1 sport=5 dport=80 src=10.0.0.1 dst=192.0.2.1 sport=80 dport=5 mark=0 use=2\n")
	for _, path := range []string{"/proc/net/nf_conntrack", "/sos_commands/conntrack/conntrack_-L_-o_extended", "/sos_commands/conntrack/conntrack_-L"} {
		s, err := savedTree(t, map[string]string{
			path: table.String(),
			"proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established": "432000\n",
		}).Survey()
		if err != nil {
			t.Fatal(err)
		}
		h := s.Spaces[0].Holders
		if h == nil || h.Entries != 65 || h.NumAddresses != 65 {
			t.Fatalf("%s: %+v", path, h)
		}
		g := h.Chief()
		if g == nil || g.Prefix.String() != "203.0.113.0/26" || g.Entries != 64 || g.Mostly.String() != "tcp ESTABLISHED" || g.Median.Round(time.Minute) != 17*time.Minute {
			t.Errorf("%s: %+v", path, g)
		}
	}
}

func TestSysctlsOfAnInterfaceThatIsNamedLikeAPattern(t *testing.T) {
	s, err := savedTree(t, map[string]string{
		"proc/sys/net/ipv4/conf/*/rp_filter": "1\n", "proc/sys/net/ipv4/conf/eth0/rp_filter": "2\n",
	}).Survey()
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Spaces[0].Sysctls; got["net.ipv4.conf.*.rp_filter"] != "1" || got["net.ipv4.conf.eth0.rp_filter"] != "2" || len(got) != 2 {
		t.Errorf("%v", got)
	}
}
