// SPDX-License-Identifier: Apache-2.0

package diagnose

import "testing"

const statColumns = "entries  searched found new invalid ignore delete delete_list insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart\n"

// healthyMachines have counters that moved, as they do in months on machines with
// which nothing is wrong.
var healthyMachines = map[string]savedMachine{
	"an old web server": {
		columns: "3.10", release: "3.10.0-1160.el7.x86_64", memory: 8, days: 212, sysctls: small(map[string]string{"net.ipv4.tcp_tw_recycle": "0"}),
		counters: map[string]uint64{"TcpPassiveOpens": 41e6, "TcpActiveOpens": 3e6, "TcpInSegs": 2900e6, "TcpExtPAWSEstab": 61203, "TcpExtSyncookiesFailed": 380,
			"TcpExtListenDrops": 212, "TcpExtListenOverflows": 212, "TcpExtTCPRcvCollapsed": 90512, "TcpExtPruneCalled": 1602, "TcpExtTCPBacklogDrop": 12},
		sockets: "tcp LISTEN 0 128 0.0.0.0:80 0.0.0.0:* users:((\"httpd\",pid=900,fd=4))\ntcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n",
	},
	"an old database with few connections": {
		columns: "3.10", release: "3.10.0-957.el7.x86_64", memory: 8, days: 400, sysctls: small(map[string]string{"net.ipv4.tcp_tw_recycle": "0"}),
		counters: map[string]uint64{"TcpPassiveOpens": 5210, "TcpActiveOpens": 830, "TcpInSegs": 9100e6, "TcpExtPAWSEstab": 903, "TcpExtTCPRcvCollapsed": 1203114,
			"TcpExtPruneCalled": 80231, "TcpExtOfoPruned": 40, "TcpExtTCPAbortOnMemory": 2},
		sockets: "tcp LISTEN 0 128 0.0.0.0:5432 0.0.0.0:*\n",
	},
	"a mail server": {
		columns: "4.18", release: "4.18.0-513.el8.x86_64", memory: 8, days: 61, sysctls: small(nil),
		counters: map[string]uint64{"IpOutNoRoutes": 120447, "IpExtInNoRoutes": 2, "TcpPassiveOpens": 2210344, "TcpActiveOpens": 1900211, "TcpInSegs": 210e6, "TcpExtPAWSEstab": 2210, "TcpExtSyncookiesSent": 1,
			"TcpExtTCPReqQFullDoCookies": 1, "TcpExtTCPRcvCollapsed": 4112, "TcpExtTCPTimeWaitOverflow": 903},
		sockets: "tcp LISTEN 0 100 0.0.0.0:25 0.0.0.0:* users:((\"master\",pid=1100,fd=13))\n",
	},
	"a reverse proxy": {
		columns: "5.10", release: "5.10.0-28-amd64", memory: 16, days: 95, sysctls: tracking("31022", "262144", "65536", nil),
		counters: map[string]uint64{"TcpPassiveOpens": 310e6, "TcpActiveOpens": 330e6, "TcpInSegs": 8100e6, "TcpExtPAWSEstab": 120311, "TcpExtListenOverflows": 1730,
			"TcpExtListenDrops": 1744, "TcpExtTCPTimeWaitOverflow": 290311, "TcpExtTCPAbortOnMemory": 3001, "TcpExtTCPRcvCollapsed": 410022},
		sockets:   "tcp LISTEN 3 511 0.0.0.0:443 0.0.0.0:* users:((\"nginx\",pid=700,fd=6))\n",
		conntrack: statColumns + "0000792e 0 0 0 000a1b2c 0 0 0 0 0000000c 0000000c 0 0  0 0 0 0\n",
	},
	"a file server": {
		columns: "5.10", release: "5.10.0-21-amd64", memory: 16, days: 30,
		counters: map[string]uint64{"TcpPassiveOpens": 9120, "TcpActiveOpens": 11203, "TcpInSegs": 41000e6, "TcpExtTCPRcvCollapsed": 12031144, "TcpExtPruneCalled": 1041233,
			"TcpExtTCPBacklogDrop": 31022, "TcpExtTCPRcvQDrop": 2041, "TcpExtPAWSEstab": 77},
		sockets: "tcp LISTEN 0 64 0.0.0.0:2049 0.0.0.0:*\n",
	},
	"a node of a cluster": {
		columns: "5.15", release: "5.15.0-101-generic", memory: 16, days: 44,
		sysctls:   tracking("130122", "262144", "65536", routing(map[string]string{"net.ipv4.conf.all.rp_filter": "2", "net.ipv4.conf.cni0.rp_filter": "1"})),
		counters:  map[string]uint64{"TcpPassiveOpens": 60e6, "TcpActiveOpens": 90e6, "TcpInSegs": 1900e6, "TcpExtIPReversePathFilter": 312, "TcpExtPAWSEstab": 90233},
		sockets:   "tcp LISTEN 0 4096 *:10250 *:* users:((\"kubelet\",pid=1400,fd=20))\n",
		conntrack: statColumns + "0001fc4a 0 0 0 00102030 0 0 0 0 0000021c 0000021c 0 0  0 0 0 0\n",
	},
	"a virtual machine just booted": {
		columns: "5.15", release: "5.15.0-1051-aws", memory: 16, days: 0,
		counters: map[string]uint64{"TcpPassiveOpens": 31, "TcpActiveOpens": 210, "TcpInSegs": 91022, "TcpExtListenDrops": 2, "TcpExtPAWSEstab": 9, "TcpExtTCPRcvCollapsed": 88},
		sockets:  "tcp LISTEN 0 4096 0.0.0.0:22 0.0.0.0:*\n",
	},
	"a cache": {
		columns: "6.1", release: "6.1.0-18-amd64", memory: 16, days: 120, sysctls: map[string]string{"net.ipv4.conf.eth0.rp_filter": "1"},
		counters: map[string]uint64{"IpInAddrErrors": 902, "IpOutNoRoutes": 7, "TcpPassiveOpens": 71e6, "TcpActiveOpens": 4e6, "TcpInSegs": 30000e6, "TcpExtIPReversePathFilter": 1203, "TcpExtPAWSEstab": 12,
			"TcpExtTCPBacklogDrop": 4120, "TcpExtPruneCalled": 203, "TcpExtListenDrops": 45, "TcpExtListenOverflows": 45},
		sockets: "tcp LISTEN 0 511 0.0.0.0:6379 0.0.0.0:* users:((\"redis-server\",pid=215,fd=6))\n",
	},
	"a desktop": {
		columns: "6.8", release: "6.8.0-51-generic", memory: 16, days: 9,
		counters: map[string]uint64{"IpOutNoRoutes": 4012, "IpExtInNoRoutes": 12, "IpInAddrErrors": 3, "TcpPassiveOpens": 912, "TcpActiveOpens": 401233, "TcpInSegs": 51e6, "TcpExtPAWSEstab": 4021, "TcpExtTCPRcvCollapsed": 20311, "TcpExtPruneCalled": 811},
		sockets:  "tcp LISTEN 0 4096 127.0.0.1:631 0.0.0.0:*\n",
	},
	"a gateway": {
		columns: "6.12", release: "6.12.12-amd64", memory: 16, days: 75,
		sysctls:   tracking("170022", "262144", "262144", routing(map[string]string{"net.ipv4.conf.eth0.rp_filter": "1", "net.ipv4.conf.eth1.rp_filter": "1"})),
		counters:  map[string]uint64{"TcpPassiveOpens": 4121033, "TcpActiveOpens": 90233, "TcpInSegs": 70e6, "TcpExtIPReversePathFilter": 1722, "TcpExtPAWSEstab": 300},
		sockets:   "tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:((\"sshd\",pid=600,fd=3))\n",
		conntrack: statColumns + "00029826 0 0 0 00302010 0 0 0 0 0 0 0 0  0 0 0 0\n",
	},
	"a router": {
		columns: "6.1", release: "6.1.0-18-amd64", memory: 16, days: 90, sysctls: routing(nil),
		counters: map[string]uint64{"TcpPassiveOpens": 3021, "TcpInSegs": 9e6, "IpForwDatagrams": 81000e6, "IpExtInNoRoutes": 120331, "IpOutNoRoutes": 40,
			"IpFragFails": 901223, "IpInHdrErrors": 30112},
		sockets: "tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:((\"sshd\",pid=600,fd=3))\n",
	},
	"a host of containers": {
		columns: "6.8", release: "6.8.0-51-generic", memory: 16, days: 44, sysctls: routing(tracking("3022", "262144", "65536", map[string]string{forwardKey("docker0"): "1"})),
		counters:  map[string]uint64{"TcpPassiveOpens": 60e6, "TcpInSegs": 1900e6, "IpForwDatagrams": 9100e6, "IpExtInNoRoutes": 91, "IpOutNoRoutes": 20311, "IpInAddrErrors": 4, "IpFragFails": 2203},
		sockets:   "tcp LISTEN 0 4096 *:8080 *:* users:((\"docker-proxy\",pid=1400,fd=4))\n",
		conntrack: statColumns + "00000bce 0 0 0 0 0 0 0 0 0000000c 0000000c 0 0  0 0 0 0\n",
	},
}

// Nothing is wrong with a healthy machine: there are notes at most, and the exit
// status is 0.
func TestHealthyMachines(t *testing.T) {
	columns := map[string]bool{}
	for name, m := range healthyMachines {
		columns[m.columns] = true
		_, found := diagnosed(t, m.tree(t))
		for _, x := range found {
			if x.Severity > Note {
				t.Errorf("%s: %s %s: %+v", name, x.Severity, x.ID, x.Evidence)
			}
		}
		if settings := Settings(found); len(settings) > 0 {
			t.Errorf("%s: %+v", name, settings)
		}
	}
	if len(healthyMachines) < 10 || len(columns) < 7 {
		t.Errorf("%d machines of %d kernels", len(healthyMachines), len(columns))
	}
}
