// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/provoke"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// recycleFile is the first outage's sysctl file.
const recycleFile = `vm.overcommit_memory = 1
#net.core.somaxconn = 1024

#fs.file-max = 1311072
net.ipv4.tcp_max_syn_backlog = 16192
net.core.somaxconn = 4096
net.ipv4.tcp_tw_recycle = 1
net.ipv4.tcp_tw_reuse = 1
`

// office is the address that the NAT gives to all machines of the office.
const office = "192.0.2.254"

// TestKernelOutageRecycle is the first outage: "I can't connect to the server
// right now". Machines behind one NAT, whose clocks of TCP timestamps differ,
// get each other's ports while the server remembers them in TIME_WAIT; mysqld
// does not keep up; ACKs come with bad SYN cookies.
func TestKernelOutageRecycle(t *testing.T) {
	m := newMachines(t, "nat", "ann", "bob", "app1", "app2", "app3")
	needs.Able(t, provoke.MissingNAT(), provoke.ErrMissing)
	lab := newLab(t) // its server is the machine "server"
	m.add("server", lab.ServerDo)
	m.add("first", func(fn func() error) error { return fn() }) // where the machine's sysctl files count
	m.unmark()
	m.recycle(lab)
}

// recycle plays the outage, then checks what trace and check print about it.
func (m *machines) recycle(lab *provoke.Lab) {
	m.Helper()
	m.settings("server", recycleFile)
	m.joinOffice()
	m.joinClients("app1", "app2", "app3")
	pid := m.serve("server", "mysqld", "0.0.0.0:3306", "50")
	m.serve("server", "httpd", "0.0.0.0:80")

	first, second := m.byClock("ann", "bob")
	shown, live := m.trace("server"), m.trace("server", "--json")
	m.skipIfBlind(live, "paws-time-wait", "accept-queue-full", "syn-cookie-invalid")
	rejected := m.reusePorts(first, second, 64)
	if rejected < 10 {
		m.Errorf("%d SYNs were rejected for 64 ports", rejected)
	}
	cookies := m.badCookies(lab, 2)
	refused := m.overflow(50, map[string]int{"app1": 9, "app2": 5, "app3": 1})
	text := strings.Join(shown.stop(), "\n")
	got := m.parse(live.stop())
	m.Logf("# synwatch trace\n%s", text)

	m.same("paws-time-wait", got, map[netip.Addr]uint64{netip.MustParseAddr(office): rejected})
	m.same("syn-cookie-invalid", got, cookies)
	m.same("accept-queue-full", got, refused)
	m.equalCounters(got)
	mysqld := fmt.Sprintf("mysqld[%d] on port 3306", pid)
	m.says("trace", text, "paws-time-wait", office+":", fmt.Sprintf("mysqld[%d]", pid), "51 waiting, limit 50",
		"[traced-timestamps]", "mostly of "+office, "give the NAT at "+office+" more ports",
		"[traced-accept-queue-full]", mysqld+" has stopped accepting", "nothing was accepted from it for", "!somaxconn =", "!listen(2) backlog to",
		"[traced-cookies-invalid]")

	report, status := m.synwatch("server", "check", "--netns", fmt.Sprint(lab.Netns()))
	m.status("check", status, exitCritical)
	m.says("check", report, "critical the accept queue of "+mysqld+" is full", "51 limit 50", "nothing was accepted from this queue for", "!listen(2) backlog to",
		"[paws-rejects]", "[syn-cookies-failing]", "[tw-reuse]", "!"+sysctlFile)
	report, _ = m.synwatch("first", "check")
	m.says("check where the sysctl files count", report, "[tw-recycle-gone]", sysctlFile+":7", "sed -i '7s/^/#/' "+sysctlFile)

	during := m.dialOften("app1", "198.51.100.1:3306")
	report, status = m.synwatch("server", "check", "--since", "3s", "--netns", fmt.Sprint(lab.Netns()))
	during()
	m.status("check --since", status, exitCritical)
	m.says("check --since", report, "critical the accept queue of "+mysqld+" is full", "in the last 3", "!paws-rejects", "!syn-cookies-failing")

	m.must(unix.Kill(pid, unix.SIGKILL))
	m.await("the end of mysqld", func() bool {
		report, status = m.synwatch("server", "check", "--netns", fmt.Sprint(lab.Netns()))
		return status != exitCritical
	})
	m.status("check without mysqld", status, exitWarnings)
	m.says("check without mysqld", report, "[listen-overflows]", "[paws-rejects]")
}

// unmark takes away, until the test ends, the marks of a container: a VM that has the file
// system of one is a machine nevertheless, and its sysctl files count.
func (m *machines) unmark() {
	m.Helper()
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		err := os.Rename(mark, mark+".away")
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		m.must(err)
		m.Cleanup(func() { m.must(os.Rename(mark+".away", mark)) })
	}
}

const sysctlFile = "/etc/sysctl.d/90-hadoop.conf"

// settings writes a sysctl file and sets those of its sysctls that this kernel has.
func (m *machines) settings(name, file string) {
	m.Helper()
	m.must(os.MkdirAll(filepath.Dir(sysctlFile), 0o755), os.WriteFile(sysctlFile, []byte(file), 0o644))
	m.Cleanup(func() { m.must(os.Remove(sysctlFile)) })
	m.do(name, func() error {
		for line := range strings.Lines(file) {
			key, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
			path := "/proc/sys/" + strings.ReplaceAll(key, ".", "/")
			if _, err := os.Stat(path); !ok || err != nil || !strings.HasPrefix(key, "net.") {
				continue
			}
			if err := os.WriteFile(path, []byte(value), 0); err != nil {
				return err
			}
		}
		return nil
	})
}

// joinOffice joins an office of two machines behind a NAT to the server.
func (m *machines) joinOffice() {
	m.Helper()
	m.join("nat", office+"/24", "server", "192.0.2.1/24")
	m.join("nat", "10.1.1.1/24", "ann", "10.1.1.2/24")
	m.join("nat", "10.1.2.1/24", "bob", "10.1.2.2/24")
	m.gateway("ann", "10.1.1.1")
	m.gateway("bob", "10.1.2.1")
	m.sysctl("nat", "net.ipv4.ip_forward", "1")
	m.masquerade("nat", "server")
}

// byClock returns two machines in the order of their TCP timestamps, as the server
// sees them. The kernel starts it anew for each pair of addresses, or of
// addresses and ports (net/core/secure_seq.c): then each is ahead for about half
// of the ports.
func (m *machines) byClock(a, b string) (ahead, behind string) {
	m.Helper()
	clock := map[string]uint32{}
	for _, name := range []string{a, b} {
		fds := m.dial(name, "192.0.2.1:80", 1, 0)
		m.connected(fds)
		n, err := unix.GetsockoptInt(fds[0], unix.IPPROTO_TCP, unix.TCP_TIMESTAMP)
		m.must(err)
		clock[name] = uint32(n)
		m.hangUp(fds)
	}
	if int32(clock[a]-clock[b]) > 0 {
		return a, b
	}
	return b, a
}

// reusePorts has one machine use ports of the NAT, and another one get the same ports
// while the server keeps them in TIME_WAIT. It returns how many SYNs of the second
// machine made no connection.
func (m *machines) reusePorts(first, second string, n int) (rejected uint64) {
	m.Helper()
	const port = 40000
	m.closeLast(m.dial(first, "192.0.2.1:80", n, port), port)
	m.do("nat", func() error { return netlink.ConntrackTableFlush(netlink.ConntrackTable) })
	sent := m.synsSent(second)
	fds := m.dial(second, "192.0.2.1:80", n, port)
	m.connected(fds)
	rejected = m.synsSent(second) - sent - uint64(n)
	m.closeLast(fds, port)
	return rejected
}

// closeLast closes connections from these ports on after the server has, and
// waits until it has agreed: a NAT that has forgotten them would answer it with a
// RST. It closes none before the server has its acknowledgment of the first FIN,
// which goes out on another CPU than the second: overtaken, it would be dropped
// for its old timestamp, and the RST that the answer meets ends the TIME_WAIT.
func (m *machines) closeLast(fds []int, port uint16) {
	m.Helper()
	m.connected(fds)
	all := func(state uint8) func() bool {
		return func() bool { return m.inState("server", port, len(fds), state) == len(fds) }
	}
	m.await("an acknowledgment of the server's FINs", all(unix.BPF_TCP_FIN_WAIT2))
	for _, fd := range fds {
		m.must(unix.Shutdown(fd, unix.SHUT_WR))
		m.await("the end of a connection", func() bool {
			info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
			m.must(err)
			return info.State == unix.BPF_TCP_CLOSE
		})
	}
	m.await("the server's TIME_WAIT", all(unix.BPF_TCP_TIME_WAIT))
	m.hangUp(fds)
}

// inState is how many of the connections that a machine has with n remote ports
// are in a state.
func (m *machines) inState(name string, port uint16, n int, state uint8) (count int) {
	m.Helper()
	m.do(name, func() error {
		sockets, err := netlink.SocketDiagTCP(unix.AF_INET)
		for _, s := range sockets {
			if s.State == state && s.ID.DestinationPort >= port && int(s.ID.DestinationPort) < int(port)+n {
				count++
			}
		}
		return err
	})
	return count
}

// badCookies provokes ACKs with SYN cookies that are not valid.
func (m *machines) badCookies(lab *provoke.Lab, times int) map[netip.Addr]uint64 {
	m.Helper()
	all := provoke.All()
	p := all[slices.IndexFunc(all, func(p provoke.Provocation) bool { return p.Cause == "syn-cookie-invalid" })]
	counts := map[netip.Addr]uint64{}
	for range times {
		want, err := p.Run(m.Context(), lab, provoke.V4)
		m.must(err)
		for _, d := range want.Drops {
			if !d.Notice {
				counts[d.Src] += d.Count
			}
		}
	}
	return counts
}

// overflow fills mysqld's accept queue and has clients send SYNs to it. It returns
// how many SYNs of each were dropped.
func (m *machines) overflow(backlog int, clients map[string]int) map[netip.Addr]uint64 {
	m.Helper()
	accepted := func() uint64 { return m.counters("server")["TcpPassiveOpens"] }
	before := accepted()
	filling := m.dial("app1", "198.51.100.1:3306", backlog+1, 0)
	m.Cleanup(func() { m.hangUp(filling) })
	m.connected(filling)
	m.await("a full queue", func() bool { return accepted() == before+uint64(backlog)+1 })
	return m.sendRefusedSYNs("198.51.100.1:3306", clients, 5) // more than three seconds
}
