// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/survey"
)

// savedMachine is what a saved tree is made of. The counters' names and order are
// those of its kernel, as testdata/columns has them.
type savedMachine struct {
	columns  string // the file of testdata/columns
	release  string
	memory   uint64 // GiB
	days     uint64 // since boot
	counters map[string]uint64
	sysctls  map[string]string
	// sockets are the lines of ss -ltn behind the heading, conntrack the columns and
	// one processor's values of proc/net/stat/nf_conntrack, table the lines of
	// proc/net/nf_conntrack.
	sockets, conntrack, table string
}

// tree writes the machine's files, and returns their directory.
func (m *savedMachine) tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"proc/meminfo":                 fmt.Sprintf("MemTotal:       %d kB\n", m.memory<<20),
		"proc/uptime":                  fmt.Sprintf("%d.00 1.00\n", m.days*24*60*60),
		"proc/net/sockstat":            "sockets: used 300\nTCP: inuse 66 orphan 3 tw 90 alloc 77 mem 600\n",
		"sos_commands/kernel/uname_-a": "Linux box " + m.release + " #1 SMP x86_64 GNU/Linux\n",
		"sos_commands/kernel/sysctl_-a": func() string {
			all := maps.Clone(usualSysctls)
			maps.Copy(all, m.sysctls)
			var b strings.Builder
			for _, key := range slices.Sorted(maps.Keys(all)) {
				fmt.Fprintf(&b, "%s = %s\n", key, all[key])
			}
			return b.String()
		}(),
		"sos_commands/networking/ss_-peaonmi": "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n" + m.sockets,
	}
	if m.conntrack != "" {
		files["proc/net/stat/nf_conntrack"] = m.conntrack
	}
	if m.table != "" {
		files["proc/net/nf_conntrack"] = m.table
	}
	m.counterFiles(t, files)
	for path, text := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// counterFiles makes proc/net/snmp and proc/net/netstat.
func (m *savedMachine) counterFiles(t *testing.T, files map[string]string) {
	t.Helper()
	columns, err := os.ReadFile("testdata/columns/" + m.columns)
	if err != nil {
		t.Fatal(err)
	}
	known := 0
	for line := range strings.Lines(string(columns)) {
		prefix, names, _ := strings.Cut(strings.TrimSpace(line), ": ")
		values := []string{}
		for name := range strings.FieldsSeq(names) {
			n, ok := m.counters[prefix+name]
			if ok {
				known++
			}
			values = append(values, fmt.Sprint(n))
		}
		file := "proc/net/snmp"
		if strings.HasSuffix(prefix, "Ext") {
			file = "proc/net/netstat"
		}
		files[file] += fmt.Sprintf("%s: %s\n%s: %s\n", prefix, names, prefix, strings.Join(values, " "))
	}
	if known != len(m.counters) {
		t.Fatalf("%s has %d of the counters %v", m.columns, known, m.counters)
	}
}

// usualSysctls are a kernel's own, of a machine with 16 GiB.
var usualSysctls = map[string]string{
	"net.core.netdev_max_backlog": "1000", "net.core.somaxconn": "4096",
	"net.ipv4.ip_forward": "0", "net.ipv4.conf.all.forwarding": "0", "net.ipv4.conf.eth0.forwarding": "0", "net.ipv6.conf.all.forwarding": "0",
	"net.ipv4.conf.all.rp_filter": "0", "net.ipv4.conf.default.rp_filter": "0", "net.ipv4.conf.lo.rp_filter": "0", "net.ipv4.conf.eth0.rp_filter": "0",
	"net.ipv4.neigh.default.gc_thresh1": "128", "net.ipv4.neigh.default.gc_thresh2": "512", "net.ipv4.neigh.default.gc_thresh3": "1024",
	"net.ipv4.tcp_abort_on_overflow": "0", "net.ipv4.tcp_max_orphans": "65536", "net.ipv4.tcp_max_syn_backlog": "1024",
	"net.ipv4.tcp_max_tw_buckets": "65536", "net.ipv4.tcp_mem": "185688\t247584\t371376", "net.ipv4.tcp_rmem": "4096\t131072\t6291456",
	"net.ipv4.tcp_syncookies": "1", "net.ipv4.tcp_timestamps": "1", "net.ipv4.tcp_tw_reuse": "2",
}

// small are those of 8 GiB and a kernel before 5.4.
func small(more map[string]string) map[string]string {
	all := map[string]string{
		"net.core.somaxconn": "128", "net.ipv4.tcp_max_orphans": "32768", "net.ipv4.tcp_max_syn_backlog": "512", "net.ipv4.tcp_max_tw_buckets": "32768",
		"net.ipv4.tcp_rmem": "4096\t87380\t6291456", "net.ipv4.tcp_tw_reuse": "0",
	}
	maps.Copy(all, more)
	return all
}

// tracking are the sysctls of a table.
func tracking(entries, limit, buckets string, more map[string]string) map[string]string {
	all := map[string]string{ctCount: entries, ctMax: limit, ctBuckets: buckets, ctEstablished: "432000"}
	maps.Copy(all, more)
	return all
}

// routing are the sysctls of a machine that forwards.
func routing(more map[string]string) map[string]string {
	all := map[string]string{ipForward: "1", allForward4: "1", forwardKey("eth0"): "1"}
	maps.Copy(all, more)
	return all
}

// inStates are lines of a table: so many entries a state, each of another client of
// a range of so many addresses.
func inStates(addresses int, states map[string]int) string {
	var b strings.Builder
	for _, state := range slices.Sorted(maps.Keys(states)) {
		for i := range states[state] {
			client := fmt.Sprintf("10.%d.%d.%d", i%addresses%200, i%addresses/200, 7)
			fmt.Fprintf(&b, "ipv4     2 tcp      6 50 %s src=%s dst=192.0.2.1 sport=%d dport=80 src=192.0.2.1 dst=%s sport=80 dport=%d [ASSURED] mark=0 use=2\n",
				state, client, 1024+i, client, 1024+i)
		}
	}
	return b.String()
}

// diagnosed are the findings of a saved tree.
func diagnosed(t *testing.T, dir string) (Facts, []Finding) {
	t.Helper()
	tree, err := survey.SavedTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := tree.Survey()
	if err != nil {
		t.Fatal(err)
	}
	facts := FactsOf(s, nil)
	return facts[0], Check(facts)
}
