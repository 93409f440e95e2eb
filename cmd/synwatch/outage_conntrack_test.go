// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/conntrack/conntracktest"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/provoke"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const (
	tableMax = 4096
	// holder is the range whose entries fill holderShare percent of the table.
	holder      = "203.0.113.0/24"
	holderShare = 80
)

// TestKernelOutageConntrack is the second outage: "nf_conntrack: table full,
// dropping packet". One range holds most of the table with connections that it
// never closed, and others are refused.
func TestKernelOutageConntrack(t *testing.T) {
	m := newMachines(t, "server", "user1", "user2", "user3")
	for _, module := range []string{"nf_conntrack", "nf_tables", "nft_ct", "nf_conntrack_netlink"} {
		_ = exec.Command("modprobe", module).Run() // else it is built in
	}
	m.joinClients("user1", "user2", "user3")
	m.track("server")
	m.setGlobal("net.netfilter.nf_conntrack_max", fmt.Sprint(tableMax))
	m.serve("server", "httpd", "0.0.0.0:80")
	m.fillTable("server")

	shown, live := m.trace("server"), m.trace("server", "--json")
	m.skipIfBlind(live, "conntrack-table-full")
	refused := m.sendRefusedSYNs("198.51.100.1:80", map[string]int{"user1": 7, "user2": 4, "user3": 1}, 2)
	text := strings.Join(shown.stop(), "\n")
	got := m.parse(live.stop())
	m.Logf("# synwatch trace\n%s", text)
	m.same("conntrack-table-full", got, refused)
	m.equalCounters(got)
	const delete = "conntrack -D -f ipv4 -s " + holder + " -p tcp --state ESTABLISHED"
	held := fmt.Sprintf("full: %s holds %d %% of it, tcp ESTABLISHED", holder, holderShare)
	m.says("trace", text, "198.51.100.2:", "198.51.100.6:", "198.51.100.10:", "[traced-conntrack-full]", held,
		delete, "talk to the operators of "+holder, "sysctl -w net.netfilter.nf_conntrack_tcp_timeout_established=86400",
		"sysctl -w net.netfilter.nf_conntrack_max=")

	report, status := m.synwatch("server", "check", "--netns", fmt.Sprint(m.inode("server")))
	m.status("check", status, exitCritical)
	m.says("check", report, "critical the connection tracking table is "+held, delete)
	report, status = m.synwatch("server", "conntrack")
	m.status("conntrack", status, exitFine)
	m.says("conntrack", report, "100 % full: 4096 of 4096 entries", holder, "tcp ESTABLISHED", delete)

	m.fix(got.found["conntrack-table-full"], delete)
	report, status = m.synwatch("server", "check", "--netns", fmt.Sprint(m.inode("server")))
	if status == exitCritical {
		m.Errorf("it is still critical:\n%s", report)
	}
}

// fix runs the commands of a finding as they were printed. It connects after the
// first command, which frees entries, and again after the last one.
func (m *machines) fix(x finding, first string) {
	m.Helper()
	if len(x.Changes) == 0 || x.Changes[0].Command != first {
		m.Fatalf("not first: %s in %+v", first, x)
	}
	for i, c := range x.Changes {
		if c.Command == "" {
			continue
		}
		m.shell(c.Command)
		if i == 0 {
			m.connects("user1")
		}
	}
	m.connects("user2")
	// The table is doubled, or gets the size that the kernel chooses for the memory.
	if got := m.conntrackSysctl("nf_conntrack_max"); got < 2*tableMax {
		m.Errorf("nf_conntrack_max is %d", got)
	}
	if got := m.conntrackSysctl("nf_conntrack_tcp_timeout_established"); got != 86400 {
		m.Errorf("nf_conntrack_tcp_timeout_established is %d", got)
	}
}

// conntrackSysctl reads one of the server's.
func (m *machines) conntrackSysctl(key string) (n int) {
	m.Helper()
	m.do("server", func() error {
		text, err := os.ReadFile("/proc/sys/net/netfilter/" + key)
		if err != nil {
			return err
		}
		n, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err
	})
	return n
}

// shell runs a command on the server. Sysctls of the whole machine are set in
// the initial network namespace. A test program replaces conntrack(8) where that is not
// installed.
func (m *machines) shell(command string) {
	m.Helper()
	cmd := exec.Command("sh", "-c", command)
	if _, err := exec.LookPath("conntrack"); err != nil && strings.HasPrefix(command, "conntrack ") {
		replacement := m.program("conntrack")
		cmd.Env = append(replacement.Env, "PATH="+filepath.Dir(replacement.Path)+":"+os.Getenv("PATH"))
	}
	m.must(os.MkdirAll("/etc/modules-load.d", 0o755))
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if strings.Contains(command, "nf_conntrack_max=") || strings.Contains(command, "/sys/module/") {
		m.must(netns.OnNewThread(func() error { return nil }, cmd.Start))
	} else {
		m.start("server", cmd)
	}
	err := cmd.Wait()
	text := out.String()
	m.Logf("# %s\n%s", command, text[max(0, len(text)-200):]) // conntrack prints each entry that it deletes
	if err != nil {
		m.Errorf("%s: %v", command, err)
	}
}

// track turns connection tracking on for a machine, by a firewall rule that needs it.
func (m *machines) track(name string) {
	m.Helper()
	m.must(provoke.Track(m.ns[name]))
}

// fillTable fills a machine's table to its limit with established connections,
// most of them of one range.
func (m *machines) fillTable(name string) {
	m.Helper()
	m.do(name, func() error {
		text, err := os.ReadFile("/proc/sys/net/netfilter/nf_conntrack_count")
		if err != nil {
			return err
		}
		count, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return err
		}
		return conntracktest.Fill(func(yield func(conntracktest.Entry) bool) {
			for i := range tableMax - count {
				src := netip.AddrFrom4([4]byte{203, 0, 113, byte(i%254 + 1)})
				if i*100 >= tableMax*holderShare {
					src = netip.AddrFrom4([4]byte{byte(i%90 + 1), byte(i >> 8), byte(i), 7})
				}
				if !yield(conntracktest.Entry{
					Src: netip.AddrPortFrom(src, uint16(1024+i)), Dst: netip.MustParseAddrPort("198.51.100.1:80"),
					Proto: unix.IPPROTO_TCP, State: nl.TCP_CONNTRACK_ESTABLISHED,
					Status: conntracktest.SeenReply | conntracktest.Assured, Timeout: 432000 - 3*3600,
				}) {
					return
				}
			}
		})
	})
}
