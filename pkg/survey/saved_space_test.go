// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/proc/proctest"
)

func surveyOf(t *testing.T, files map[string]string) *Snapshot {
	t.Helper()
	s, err := savedTree(t, files).Survey()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sayUnread says whether something that was not read is told of.
func (s *Snapshot) sayUnread(what string) bool {
	return slices.ContainsFunc(s.Unread, func(u string) bool { return strings.Contains(u, what) })
}

const ssTitle = "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"

// A sosreport has a namespace's files in a directory of its own or, from older
// versions and other plugins, beside the others with its name in theirs.
func TestNamespacesOfASosreport(t *testing.T) {
	s := surveyOf(t, map[string]string{
		"sos_commands/kernel/sysctl_-a":                                                      "net.core.somaxconn = 4096\nnet.core.netdev_max_backlog = 1000\n",
		"sos_commands/networking/netstat_-s":                                                 "TcpExt:\n    1 SYNs to LISTEN sockets dropped\n",
		"sos_commands/networking/ss_-peaonmi":                                                ssTitle + "tcp LISTEN 0 4096 0.0.0.0:22 0.0.0.0:*\n",
		"sos_commands/networking/ip_netns":                                                   "qrouter_1 (id: 0)\nempty\ndhcp-2\nError: no such thing\n",
		"sos_commands/networking/ip_netns_list":                                              "no namespaces here\n",
		"sos_commands/networking/namespaces/qrouter_1/ip_netns_exec_qrouter_1_ss_-peaonmi":   ssTitle + "tcp LISTEN 129 128 *:9697 *:* users:((\"haproxy\",pid=98,fd=3))\n",
		"sos_commands/networking/namespaces/qrouter_1/ip_netns_exec_qrouter_1_netstat_-s":    "Tcp:\n    900 passive connection openings\nTcpExt:\n    18 times the listen queue of a socket overflowed\n",
		"sos_commands/networking/namespaces/qrouter_1/ip_netns_exec_qrouter_1_nstat_-zas":    "#kernel\nTcpExtListenOverflows 19 0.0\n",
		"sos_commands/networking/namespaces/qrouter_1/ip_netns_exec_qrouter_1_sysctl_-a":     "net.core.somaxconn = 128\n",
		"sos_commands/networking/namespaces/qrouter_1/ip_netns_exec_qrouter_1_ethtool_-S_q1": "NIC statistics:\n rx_missed_errors: 4\n",
		"sos_commands/conntrack/ip_netns_exec_qrouter_1_conntrack_-S":                        "cpu=0 found=1 drop=3\ncpu=1 found=1 drop=4\n",
		"sos_commands/networking/ip_netns_exec_dhcp-2_ss_-peaonmi":                           ssTitle + "tcp LISTEN 3 32 10.0.0.1:53 *:*\n",
	})
	byName := map[string]*Space{}
	for i := range s.Spaces {
		byName[s.Spaces[i].Name] = &s.Spaces[i]
	}
	if len(byName) != 4 || !s.Spaces[0].Own || s.Spaces[0].Name != "" || s.Spaces[0].Counters["TcpExtListenDrops"] != 1 {
		t.Fatalf("%+v", s.Spaces)
	}
	router := byName["qrouter_1"]
	if l := router.Listeners; len(l) != 1 || !l[0].Full() || l[0].Comm != "haproxy" || l[0].Addr != netip.MustParseAddrPort("[::]:9697") {
		t.Errorf("listeners: %+v", l)
	}
	want := nstat.Values{"TcpPassiveOpens": 900, "TcpExtListenOverflows": 19, "Conntrackfound": 2, "Conntrackdrop": 7}
	if diff := cmp.Diff(want, router.Counters); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
	if router.Own || router.Sysctls["net.core.somaxconn"] != "128" || !slices.Equal(router.Enter, []string{"ip", "netns", "exec", "qrouter_1"}) {
		t.Errorf("%+v", router)
	}
	if i := router.Interfaces; len(i) != 1 || i[0].Name != "q1" || i[0].Lost() != 4 {
		t.Errorf("interfaces: %+v", i)
	}
	if l := byName["dhcp-2"].Listeners; len(l) != 1 || l[0].Waiting != 3 {
		t.Errorf("dhcp-2: %+v", l)
	}
	for _, what := range []string{"network namespace empty: there is nothing of it", "network namespace dhcp-2: the kernel's counters"} {
		if !s.sayUnread(what) {
			t.Errorf("not told: %q in %q", what, s.Unread)
		}
	}
	if !s.Counted() {
		t.Error("the first namespace's counters are there")
	}
}

// /proc/net/stat/nf_conntrack takes CONFIG_NF_CONNTRACK_PROCFS.
func TestConntrackCountersOfASosreport(t *testing.T) {
	files := map[string]string{"sos_commands/kernel/sysctl_-a": "net.netfilter.nf_conntrack_max = 262144\n"}
	const lack = "the counters of connection tracking"
	if s := surveyOf(t, files); !s.sayUnread(lack) {
		t.Errorf("not told: %q", s.Unread)
	}
	files["sos_commands/conntrack/conntrack_-S"] = "cpu=0 found=1 insert_failed=5 chaintoolong=1\nbad\n"
	s := surveyOf(t, files)
	if c := s.Spaces[0].Counters; c["Conntrackinsert_failed"] != 5 || c["Conntrackchainlength"] != 1 || s.sayUnread(lack) {
		t.Errorf("%v, unread %q", c, s.Unread)
	}
	if !s.sayUnread("1 line of /sos_commands/conntrack/conntrack_-S, not understood") {
		t.Errorf("not told: %q", s.Unread)
	}
	files["proc/net/stat/nf_conntrack"] = "entries found insert_failed\n0a 01 07\n"
	if c := surveyOf(t, files).Spaces[0].Counters; c["Conntrackinsert_failed"] != 7 {
		t.Errorf("the file of /proc does not come first: %v", c)
	}
}

// Of the files of /proc and what commands printed the former are more to be trusted,
// and none prevents that the others are read.
func TestSavedCounters(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  nstat.Values
	}{
		"nstat": {map[string]string{"sos_commands/networking/nstat_-zas": "#kernel\nTcpPassiveOpens 7 0.0\nTcpExtListenDrops 0 0.0\n"},
			nstat.Values{"TcpPassiveOpens": 7, "TcpExtListenDrops": 0}},
		"nstat without -a is no total": {map[string]string{"sos_commands/networking/nstat_-z": "#kernel\nTcpPassiveOpens 7 0.0\n"}, nstat.Values{}},
		"netstat -as":                  {map[string]string{"sos_commands/networking/netstat_-as": "Tcp:\n    7 passive connection openings\n"}, nstat.Values{"TcpPassiveOpens": 7}},
		"snmp only": {map[string]string{"proc/net/snmp": "Tcp: PassiveOpens\nTcp: 8\n", "sos_commands/networking/netstat_-s": "TcpExt:\n    1 SYNs to LISTEN sockets dropped\nTcp:\n    7 passive connection openings\n"},
			nstat.Values{"TcpPassiveOpens": 8, "TcpExtListenDrops": 1}},
		"one file is cut off": {map[string]string{"proc/net/netstat": "TcpExt: a b\nTcpExt: 1\n", "proc/net/snmp": "Tcp: PassiveOpens\nTcp: 8\n"}, nstat.Values{"TcpPassiveOpens": 8}},
	} {
		test.files["etc/sysctl.conf"] = "net.a = 1\n"
		if diff := cmp.Diff(test.want, surveyOf(t, test.files).Spaces[0].Counters); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A sosreport has no ss where a module that ss needs is not loaded: /proc/net/tcp then
// has the queues, and netstat whose they are.
func TestListenersWithoutSS(t *testing.T) {
	needs.LittleEndian(t)
	const (
		proc = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
			"   0: 00000000:1F90 00000000:0000 0A 00000000:00000081 00:00000000 00000000     0        0 23411 1 0 100 0 0 10 0\nrest\n"
		netstat = "tcp 128 0 0.0.0.0:8080 0.0.0.0:* LISTEN 0 23411 2113/java off (0.00/0/0)\n"
		ss      = ssTitle + "tcp LISTEN 127 128 0.0.0.0:8080 *:*\n"
	)
	files := map[string]string{"sos_commands/networking/netstat_-W_-neopa": netstat}
	check := func(name string, waiting uint32, limited bool) *Snapshot {
		s := surveyOf(t, files)
		l := s.Spaces[0].Listeners
		if len(l) != 1 || l[0].Waiting != waiting || l[0].PID != 2113 || l[0].Comm != "java" || (l[0].Limit != nil) != limited {
			t.Errorf("%s: %+v", name, l)
		}
		if s.sayUnread("the limits of the accept queues") == limited {
			t.Errorf("%s: unread %q", name, s.Unread)
		}
		return s
	}
	check("netstat", 128, false)
	files["proc/net/tcp"] = proc
	if s := check("proc", 129, false); !s.sayUnread("1 line of /proc/net/tcp, not understood") {
		t.Errorf("not told: %q", s.Unread)
	}
	files["sos_commands/networking/ss_-peaonmi"] = ss
	check("ss", 127, true)
}

func TestInterfacesOfASavedTree(t *testing.T) {
	s := surveyOf(t, map[string]string{
		"proc/net/dev": "  lo: 1 2 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n eth0: 1 1000 0 9 9 0 0 0 0 0 0 0 0 0 0 0\n",
		"sys/devices/virtual/net/eth0/statistics/rx_missed_errors": "7\n",
		"sys/devices/virtual/net/eth0/statistics/rx_fifo_errors":   "8\n",
		"sys/devices/virtual/net/eth0/statistics/rx_dropped":       "800\n",
		"sys/devices/virtual/net/eth0/statistics/rx_over_errors":   "x\n",
		"sys/class/net/eth0":                                    "-> ../../devices/virtual/net/eth0",
		"sos_commands/networking/ethtool_-S_eth0":               "NIC statistics:\n     rx_no_dma_resources: 5\n     rx_missed_errors: 6\n     rx_packets: 1000\n",
		"sos_commands/networking/ethtool_-S_ib_0":               "no stats available\n",
		"sos_commands/networking/ethtool_-i_eth0":               "rx_missed_errors: 99\n",
		"sys/class/net/bond0/statistics/rx_packets":             "12\n",
		"sys/class/net/bonding_masters":                         "bond0\n",
		"sos_commands/networking/ethtool_-S_eth0_not_the_first": "NIC statistics:\n     rx_missed: 0\n",
	})
	want := []nstat.Interface{
		{Name: "lo", Packets: 2},
		{Name: "eth0", Packets: 1000, Losses: []nstat.Loss{{Counter: "rx_fifo_errors", Count: 8}, {Counter: "rx_missed_errors", Count: 7}, {Counter: "rx_no_dma_resources", Count: 5, Driver: true}}},
		{Name: "bond0", Packets: 12},
		{Name: "eth0_not_the_first"}, {Name: "ib_0"},
	}
	got := s.Spaces[0].Interfaces
	if diff := cmp.Diff(sortedByName(want), sortedByName(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func sortedByName(all []nstat.Interface) []nstat.Interface {
	return slices.SortedFunc(slices.Values(all), func(a, b nstat.Interface) int { return strings.Compare(a.Name, b.Name) })
}

func TestSavedUptime(t *testing.T) {
	for text, want := range map[string]time.Duration{
		" 10:11:12 up 90 days,  3:02,  2 users,  load average: 0.10, 0.20, 0.30\n": 90*24*time.Hour + 3*time.Hour + 2*time.Minute,
		"10:11:12 up 1 day, 5 min,  1 user,  load average: 0.10, 0.20, 0.30":       24*time.Hour + 5*time.Minute,
		" 10:11:12 up 12 min,  0 users,  load average: 9.99, 0.20, 0.30":           12 * time.Minute,
		" 10:11:12 up  3:12,  load average: 0.10, 0.20, 0.30":                      3*time.Hour + 12*time.Minute,
		"up 3 weeks, 2 days, 1 hour, 4 minutes":                                    23*24*time.Hour + time.Hour + 4*time.Minute,
		"up 99999999999999999999 days":                                             0,
		"bash: uptime: command not found":                                          0,
		"":                                                                         0,
	} {
		if got := parseUptimeText(text); got != want {
			t.Errorf("%q: %s, not %s", text, got, want)
		}
	}
	files := map[string]string{"etc/sysctl.conf": "net.a = 1\n", "sos_commands/host/uptime": "10:11:12 up 2 days, 1:00, 2 users, load average: 0.1, 0.2, 0.3", "uptime": "-> sos_commands/host/uptime"}
	if s := surveyOf(t, files); s.System.Uptime != 49*time.Hour || s.sayUnread("for how long") {
		t.Errorf("%s, %q", s.System.Uptime, s.Unread)
	}
	files["proc/uptime"] = "60.00 1.00\n"
	if s := surveyOf(t, files); s.System.Uptime != time.Minute {
		t.Errorf("%s", s.System.Uptime)
	}
}

// Whoever wrote a tree chose the names in it, and there may be a great many.
func TestNamesOfNamespaces(t *testing.T) {
	files := map[string]string{
		"sos_commands/networking/ip_netns":                                  "../../x\n-f\n..\n$(id>x)\n",
		"sos_commands/networking/namespaces/-n/ip_netns_exec_-n_nstat_-zas": "#kernel\nTcpPassiveOpens 1 0.0\n",
	}
	for i := range 20 {
		files[fmt.Sprintf("sos_commands/networking/namespaces/ns%02d/ip_netns_exec_ns%02d_nstat_-zas", i, i)] = "#kernel\nTcpPassiveOpens 1 0.0\n"
	}
	s := surveyOf(t, files)
	if len(s.Spaces) != 22 || s.Spaces[1].Name != "$(id>x)" || s.Spaces[1].Enter[3] != "$(id>x)" || s.Spaces[2].Name != "ns00" {
		t.Errorf("%d: %+v", len(s.Spaces), s.Spaces[:3])
	}
	if !s.sayUnread("20 network namespaces (ns00, ns01, ns02, ns03, ns04, ns05, ns06, ns07, ...): the listeners") || len(s.Unread) > 12 {
		t.Errorf("%q", s.Unread)
	}
}

// A link in a tree leads to what is in the tree, wherever it points.
func TestNoCaptureIsReadOutsideOfATree(t *testing.T) {
	out := proctest.Tree(t, map[string]string{"nstat_-zas": "#kernel\nTcpPassiveOpens 1 0.0\n", "dmesg": "TCP: too many orphaned sockets\n", "rx_fifo_errors": "7\n"})
	s := surveyOf(t, map[string]string{
		"etc/sysctl.conf":                     "net.a = 1\n",
		"sos_commands/networking":             "-> " + out,
		"sos_commands/kernel/dmesg":           "-> " + out + "/dmesg",
		"sos_commands/networking2/namespaces": "-> " + out,
		"sys/class/net/eth0/statistics":       "-> " + out,
		"network.txt":                         "-> /etc/passwd",
		"networking":                          "-> " + out,
	})
	if own := &s.Spaces[0]; len(own.Counters) > 0 || len(s.Spaces) != 1 || len(own.Interfaces) > 0 || len(s.System.Log) > 0 {
		t.Errorf("%+v, %+v", s.Spaces, s.System)
	}
}
