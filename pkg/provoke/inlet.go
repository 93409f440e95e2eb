// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net"
	"net/netip"
	"slices"
)

// Inlet is where packets come in at a lab's server.
type Inlet struct {
	Device int // index of the server's device
	MAC    net.HardwareAddr
	Addr   netip.Addr // of the server, IPv4
}

// Inlet returns where packets come in at the server.
func (l *Lab) Inlet() Inlet {
	return Inlet{l.serverIndex, slices.Clone(serverMAC), server4}
}

// Counters reads the kernel's counters in the server's namespace, as nstat
// names them; conntrack's as `conntrack -S` does, prefixed "Conntrack".
func (l *Lab) Counters() (map[string]uint64, error) { return l.counters() }

// CPUs are those that the lab's packets may be sent on.
func (l *Lab) CPUs() []int { return slices.Clone(l.cpus) }

// OpenOutlet opens a packet socket through which frames go to the server.
func (l *Lab) OpenOutlet() (fd int, err error) {
	err = l.ClientDo(func() error {
		fd, err = packetSocket(l.clientIndex, 0)
		return err
	})
	return fd, err
}
