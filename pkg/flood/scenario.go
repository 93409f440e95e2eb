// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"fmt"
	"net/netip"
)

// Scenario is a way to have the server drop every packet that it receives.
type Scenario struct {
	Name string
	// Cause is what synwatch calls it.
	Cause string
	// Prepare sets it up, once for a Lab.
	Prepare func(*Lab) (*Target, error)
}

// Target is where packets are sent to be dropped.
type Target struct {
	Addr netip.AddrPort
	// Dropped is the kernel's own count of the packets that it has dropped.
	Dropped func() (uint64, error)
	Close   func() error
}

// Scenarios are all of them.
var Scenarios = []Scenario{
	ClosedPort,
	{"nft-drop", "netfilter-drop", nftDrop},
	AcceptQueue,
}

// ClosedPort has no listener; the listener of AcceptQueue accepts no connection.
var (
	ClosedPort  = Scenario{"closed-port", "no-listener", closedPort}
	AcceptQueue = Scenario{"accept-queue", "accept-queue-full", acceptQueue}
)

const (
	portClosed = 9
	portNFT    = 10
	portAccept = 11
	portServer = 12
)

func (l *Lab) addr(port uint16) netip.AddrPort { return netip.AddrPortFrom(l.inlet.Addr, port) }

// closedPort: the kernel counts a reset for each packet
// (net/ipv4/tcp_ipv4.c:tcp_v4_send_reset), also where there is no route to send it.
func closedPort(l *Lab) (*Target, error) {
	return &Target{l.addr(portClosed), l.counter("TcpOutRsts"), func() error { return nil }}, nil
}

// counter reads a counter of the server's namespace.
func (l *Lab) counter(name string) func() (uint64, error) {
	return func() (uint64, error) {
		all, err := l.Counters()
		if err != nil {
			return 0, err
		}
		n, ok := all[name]
		if !ok {
			return 0, fmt.Errorf("the kernel has no counter %s", name)
		}
		return n, nil
	}
}
