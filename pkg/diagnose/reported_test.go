// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// reported are machines on which something was wrong, as people have reported, with what they
// needed to read and what would have led them astray.
var reported = map[string]struct {
	savedMachine
	want   string // as in rows
	dropin []string
	says   []string // with a "!" in front: must not be said
}{
	"late duplicates on many connections": {
		savedMachine: savedMachine{columns: "6.8", release: "6.8.0-40-generic", memory: 16, days: 20,
			counters: map[string]uint64{"TcpPassiveOpens": 180000, "TcpInSegs": 52e6, "TcpExtPAWSEstab": 512}},
		want: "note paws-rejects", says: []string{"TcpInSegs 52000000", "!behind one NAT"},
	},
	"DNS over a clashing table": {
		savedMachine: savedMachine{columns: "6.1", release: "6.1.0-25-amd64", memory: 16, days: 20, sysctls: tracking("40011", "262144", "65536", nil),
			counters:  map[string]uint64{"TcpPassiveOpens": 700000, "TcpInSegs": 52e6},
			conntrack: statColumns + "00009c4b 0 0 0 0 0 0 0 0 00000bb8 00000bb8 0 0  0 0 0 0\n"},
		want: "warning conntrack-insert-failed", says: []string{"Conntrackdrop 3000", "does this machine do source NAT", "!every new connection"},
	},
	"a table that was full and clashes, too": {
		savedMachine: savedMachine{columns: "6.1", release: "6.1.0-25-amd64", memory: 16, days: 20, sysctls: tracking("40011", "262144", "65536", nil),
			counters:  map[string]uint64{"TcpPassiveOpens": 700000, "TcpInSegs": 52e6},
			conntrack: statColumns + "00009c4b 0 0 0 0 0 0 0 0 00000bb8 00002000 0 0  0 0 0 0\n"},
		want: "warning conntrack-drops,warning conntrack-insert-failed", says: []string{"5192 of them"},
	},
	"strict on a bridge and two uplinks": {
		savedMachine: savedMachine{columns: "5.15", release: "5.15.0-91-generic", memory: 16, days: 20,
			sysctls:  map[string]string{"net.ipv4.conf.br-a1.rp_filter": "1", "net.ipv4.conf.ens3.rp_filter": "1", "net.ipv4.conf.ens4/20.rp_filter": "1"},
			counters: map[string]uint64{"TcpPassiveOpens": 90000, "TcpExtIPReversePathFilter": 7300}},
		want: "warning reverse-path-filter", says: []string{"br-a1, ens3, ens4.20", "which interface", "log_martians", "!rp_filter=2"},
	},
	"strict by all on two uplinks, old": {
		savedMachine: savedMachine{columns: "3.10", release: "3.10.0-862.el7.x86_64", memory: 8, days: 20,
			sysctls:  small(map[string]string{"net.ipv4.tcp_tw_recycle": "0", "net.ipv4.conf.all.rp_filter": "1", "net.ipv4.conf.virbr0.rp_filter": "0", "net.ipv4.conf.em2.rp_filter": "0"}),
			counters: map[string]uint64{"TcpPassiveOpens": 12000, "TcpExtIPReversePathFilter": 51000}},
		want: "warning reverse-path-filter", says: []string{"em2, eth0, virbr0", "!rp_filter=2"},
	},
	"strict on the only uplink": {
		savedMachine: savedMachine{columns: "6.8", release: "6.8.0-40-generic", memory: 16, days: 20,
			sysctls:  map[string]string{"net.ipv4.conf.eth0.rp_filter": "1"},
			counters: map[string]uint64{"TcpPassiveOpens": 12000, "TcpExtIPReversePathFilter": 51000}},
		want: "warning reverse-path-filter", dropin: []string{"net.ipv4.conf.eth0.rp_filter=2"},
	},
	"loose in force over a strict interface": {
		savedMachine: savedMachine{columns: "5.15", release: "5.15.0-91-generic", memory: 16, days: 20,
			sysctls:  map[string]string{"net.ipv4.conf.all.rp_filter": "2", "net.ipv4.conf.eth0.rp_filter": "1"},
			counters: map[string]uint64{"TcpPassiveOpens": 90000, "TcpExtIPReversePathFilter": 7300}},
		want: "warning reverse-path-filter", says: []string{"no route back", "!rp_filter=2", "!rp_filter = 2"},
	},
	"two applications cut off at 128": {
		savedMachine: savedMachine{columns: "5.15", release: "5.15.0-91-generic", memory: 16, days: 20, sysctls: map[string]string{"net.core.somaxconn": "128"},
			counters: map[string]uint64{"TcpPassiveOpens": 80000, "TcpExtListenOverflows": 3100, "TcpExtListenDrops": 3100},
			sockets:  "tcp LISTEN 129 128 0.0.0.0:9042 0.0.0.0:* users:((\"cassandra\",pid=44,fd=9))\ntcp LISTEN 0 128 0.0.0.0:80 0.0.0.0:* users:((\"apache2\",pid=45,fd=4))\n"},
		want: "critical accept-queue-full,note somaxconn-binds", dropin: []string{"net.core.somaxconn=4096"}, says: []string{"!somaxconn=1024"},
	},
	"a queue of 3000 beside one of somaxconn": {
		savedMachine: savedMachine{columns: "6.8", release: "6.8.0-40-generic", memory: 16, days: 20, sysctls: map[string]string{"net.core.somaxconn": "5000"},
			counters: map[string]uint64{"TcpPassiveOpens": 80000, "TcpExtListenOverflows": 3100, "TcpExtListenDrops": 3100},
			sockets:  "tcp LISTEN 3001 3000 0.0.0.0:9042 0.0.0.0:*\ntcp LISTEN 5001 5000 0.0.0.0:80 0.0.0.0:*\n"},
		want: "critical accept-queue-full,critical accept-queue-full", dropin: []string{"net.core.somaxconn=16384"}, says: []string{"!somaxconn=8192"},
	},
	"a table of closed connections": {
		savedMachine: savedMachine{columns: "4.18", release: "4.18.0-513.el8.x86_64", memory: 16, days: 20,
			sysctls:  tracking("65400", "65536", "16384", map[string]string{timeoutPrefix + "tcp_timeout_time_wait": "120"}),
			counters: map[string]uint64{"TcpPassiveOpens": 900000},
			table:    inStates(30, map[string]int{"TIME_WAIT": 500, "ESTABLISHED": 20})},
		want: "critical conntrack-full", dropin: []string{timeoutPrefix + "tcp_timeout_time_wait=30", ctMax + "=262144"},
		says: []string{"keep connections open", "!timeout_established"},
	},
	"a table of idle connections": {
		savedMachine: savedMachine{columns: "4.18", release: "4.18.0-513.el8.x86_64", memory: 16, days: 20,
			sysctls:  tracking("65400", "65536", "16384", map[string]string{timeoutPrefix + "tcp_timeout_time_wait": "120"}),
			counters: map[string]uint64{"TcpPassiveOpens": 900000},
			table:    inStates(30, map[string]int{"TIME_WAIT": 20, "ESTABLISHED": 500})},
		want: "critical conntrack-full", dropin: []string{ctEstablished + "=86400", ctMax + "=262144"}, says: []string{"!time_wait=30"},
	},
	"a table of all kinds": {
		savedMachine: savedMachine{columns: "4.18", release: "4.18.0-513.el8.x86_64", memory: 16, days: 20,
			sysctls:  tracking("65400", "65536", "16384", map[string]string{timeoutPrefix + "tcp_timeout_time_wait": "120"}),
			counters: map[string]uint64{"TcpPassiveOpens": 900000},
			table:    inStates(30, map[string]int{"TIME_WAIT": 200, "ESTABLISHED": 200, "FIN_WAIT": 200})},
		want: "critical conntrack-full", dropin: []string{ctMax + "=262144"}, says: []string{"!_timeout_"},
	},
	"cookies off and a backlog that does not bind": {
		savedMachine: savedMachine{columns: "5.10", release: "5.10.0-21-amd64", memory: 16, days: 20,
			sysctls:  map[string]string{"net.ipv4.tcp_syncookies": "0", "net.ipv4.tcp_max_syn_backlog": "512"},
			counters: map[string]uint64{"TcpPassiveOpens": 80000, "TcpExtTCPReqQFullDrop": 3100, "TcpExtListenDrops": 3100},
			sockets:  "tcp LISTEN 0 128 0.0.0.0:80 0.0.0.0:* users:((\"apache2\",pid=45,fd=4))\n"},
		want: "critical syn-cookies-off", dropin: []string{"net.ipv4.tcp_syncookies=1"},
		says: []string{"apache2[45] on port 80 at most 128 the application's listen(2) backlog binds; net.ipv4.tcp_max_syn_backlog (512) does not", "raise the listen(2) backlog of apache2[45] on port 80", "!tcp_max_syn_backlog ="},
	},
	"cookies in use on an old kernel": {
		savedMachine: savedMachine{columns: "3.10", release: "3.10.0-1160.el7.x86_64", memory: 8, days: 20,
			sysctls:  small(map[string]string{"net.ipv4.tcp_tw_recycle": "0", "net.core.somaxconn": "1024"}),
			counters: map[string]uint64{"TcpPassiveOpens": 80000, "TcpExtTCPReqQFullDoCookies": 3100, "TcpExtSyncookiesSent": 3100},
			sockets:  "tcp LISTEN 0 1000 0.0.0.0:80 0.0.0.0:*\ntcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n"},
		want: "warning syn-cookies-in-use",
		says: []string{"port 22 at most 256 the application's", "port 80 at most 1024 net.ipv4.tcp_max_syn_backlog (512) binds, and this kernel rounds",
			"was it the queue of the listener on port 22, the shortest, and do the clients go on to connect?"},
	},
}

func TestReportedMachines(t *testing.T) {
	for name, test := range reported {
		_, found := diagnosed(t, test.tree(t))
		var got []string
		text := ""
		for _, x := range found {
			got = append(got, x.Severity.String()+" "+x.ID)
			text += said(x)
		}
		if diff := cmp.Diff(test.want, strings.Join(got, ",")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		var dropin []string
		for _, s := range Settings(found) {
			dropin = append(dropin, s.Sysctl+"="+s.Value)
		}
		if diff := cmp.Diff(test.dropin, dropin); diff != "" {
			t.Errorf("%s, drop-in (-want +got):\n%s", name, diff)
		}
		for _, want := range test.says {
			not, absent := strings.CutPrefix(want, "!")
			if strings.Contains(text, not) == absent {
				t.Errorf("%s: %q in:\n%s", name, want, text)
			}
		}
	}
}
