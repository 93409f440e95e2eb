// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// counters reads the kernel's TCP counters of a machine, by their nstat names.
func (m *machines) counters(name string) map[string]uint64 {
	m.Helper()
	values := map[string]uint64{}
	m.do(name, func() error {
		for _, file := range []string{"snmp", "netstat"} {
			text, err := os.ReadFile("/proc/thread-self/net/" + file)
			if err != nil {
				return err
			}
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")
			for i := 0; i+1 < len(lines); i += 2 {
				names, numbers := strings.Fields(lines[i]), strings.Fields(lines[i+1])
				for j := 1; j < len(names); j++ {
					values[strings.TrimSuffix(names[0], ":")+names[j]], _ = strconv.ParseUint(numbers[j], 10, 64) // TcpMaxConn is -1
				}
			}
		}
		return nil
	})
	return values
}

// synsSent is how many SYNs a machine has sent since it began, as its own kernel
// counts them.
func (m *machines) synsSent(name string) uint64 {
	m.Helper()
	c := m.counters(name)
	return c["TcpActiveOpens"] + c["TcpExtTCPSynRetrans"]
}

// dial begins n connections to a server, from these ports on or from any if it is
// 0, and returns the sockets.
func (m *machines) dial(name, server string, n int, port uint16) (fds []int) {
	m.Helper()
	to := netip.MustParseAddrPort(server)
	m.do(name, func() error {
		for i := range n {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
			if err != nil {
				return err
			}
			fds = append(fds, fd)
			if port != 0 {
				own := &unix.SockaddrInet4{Port: int(port) + i}
				if err := errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1), unix.Bind(fd, own)); err != nil {
					return err
				}
			}
			err = unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())})
			if err != nil && !errors.Is(err, unix.EINPROGRESS) {
				return err
			}
		}
		return nil
	})
	return fds
}

// connected waits until all of the sockets are connected.
func (m *machines) connected(fds []int) {
	m.Helper()
	for _, fd := range fds {
		m.await("a connection", func() bool {
			poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
			n, err := unix.Poll(poll, 50)
			if err != nil || n == 0 {
				return false
			}
			errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
			if errno != 0 || err != nil {
				m.Fatalf("connect: %v, %v", unix.Errno(errno), err)
			}
			return true
		})
	}
}

func (m *machines) hangUp(fds []int) {
	m.Helper()
	for _, fd := range fds {
		m.must(unix.Close(fd))
	}
}

// await polls until come returns true, and fails the test if that takes too long.
func (m *machines) await(what string, come func() bool) {
	m.Helper()
	for deadline := time.Now().Add(hang); !come(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			m.Fatalf("%s did not come", what)
		}
	}
}

// joinClients joins clients to the server, each by a network of its own. The
// server's first address there is 198.51.100.1.
func (m *machines) joinClients(names ...string) {
	m.Helper()
	for i, name := range names {
		server := fmt.Sprintf("198.51.100.%d", 4*i+1)
		m.join("server", server+"/30", name, fmt.Sprintf("198.51.100.%d/30", 4*i+2))
		m.gateway(name, server)
	}
}

// sendRefusedSYNs has each client begin so many connections to a server that refuses
// them, and waits until every SYN was sent at least tries times. A client's name ends
// in the number of its network. It returns how many SYNs each address sent.
func (m *machines) sendRefusedSYNs(server string, clients map[string]int, tries uint64) map[netip.Addr]uint64 {
	m.Helper()
	sent := map[string]uint64{}
	var trying []int
	for name, n := range clients {
		sent[name] = m.synsSent(name)
		trying = append(trying, m.dial(name, server, n, 0)...)
	}
	for name, n := range clients {
		m.await("the last try", func() bool { return m.synsSent(name) >= sent[name]+tries*uint64(n) })
	}
	m.hangUp(trying)
	counts := map[netip.Addr]uint64{}
	for name := range clients {
		network := name[len(name)-1] - '1'
		counts[netip.AddrFrom4([4]byte{198, 51, 100, 4*network + 2})] = m.synsSent(name) - sent[name]
	}
	return counts
}

// dialOften begins connections until the returned function is called.
func (m *machines) dialOften(name, server string) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			m.hangUp(m.dial(name, server, 1, 0))
			select {
			case <-end:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

// connects fails the test unless a new connection is established.
func (m *machines) connects(name string) {
	m.Helper()
	fds := m.dial(name, "198.51.100.1:80", 1, 0)
	m.connected(fds)
	m.hangUp(fds)
}
