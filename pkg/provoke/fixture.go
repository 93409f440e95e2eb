// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"os"

	"github.com/synwatch/synwatch/pkg/netns"
	"golang.org/x/sys/unix"
)

// JoinNetns joins two namespaces by a pair of devices, which have these names.
func JoinNetns(near *os.File, nearDevice string, far *os.File, farDevice string) error {
	return addCable(plug{near, nearDevice, nil}, plug{far, farDevice, nil})
}

// Track has connections to a namespace be tracked, as a rule looks at their state.
func Track(ns *os.File) error {
	if ByIPTables() {
		return netns.Inside(ns, func() error {
			return ipTables4.set(filterTable, xtRuleOf(int(*input.hook), match{}, track, V4))
		})
	}
	_, err := addRule(int(ns.Fd()), input, 0, track.nft)
	return err
}

// MissingNAT is nil when a rule of nf_tables can translate addresses.
func MissingNAT() error { return Provocation{Needs: []string{featNFTNAT}}.Missing() }

// MissingVeth is nil when the kernel has veth, whose ends know each other's namespace.
func MissingVeth() error { return Provocation{Needs: []string{featVeth}}.Missing() }

// DropUDP has a rule of the server drop what comes for a port, IPv4.
func (l *Lab) DropUDP(port uint16) error {
	const udp = unix.IPPROTO_UDP
	if ByIPTables() {
		rule := xtRuleOf(int(*input.hook), match{xt: xtMatch{proto: udp, port: port}}, verdictDrop, V4)
		return l.ServerDo(func() error { return l.legacy.change(ipTables4, filterTable, []*xtRule{&rule}, nil) })
	}
	rule := append(append(onProtocol(udp), onPort(2, port)[2:]...), verdictDrop.nft...)
	_, err := addRule(int(l.server.Fd()), input, 0, rule)
	return err
}
