// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/event"
)

// allPorts are those that source NAT chooses from for a connection whose own port is
// 1024 or above, where the rule names none (net/netfilter/nf_nat_core.c:
// nf_nat_l4proto_unique_tuple).
const allPorts = 65536 - 1024

// natChanges give source NAT more to choose from.
func natChanges() []Change {
	return []Change{
		do("have it choose at random: nft masquerade fully-random, or snat to ADDRESS fully-random; iptables -j MASQUERADE --random-fully, or -j SNAT --to-source ADDRESS --random-fully",
			"two connections that begin at the same time get the same port where both take the next free one, and the second is dropped though others are free"),
		do("give it more addresses: nft snat to FIRST-LAST; iptables -j SNAT --to-source FIRST-LAST",
			fmt.Sprintf("an address has %d ports for each protocol, destination address and port", allPorts)),
	}
}

// portsOf is how many ports a range has, 0 where it is not known.
func portsOf(r *event.SourceNAT) int {
	if r == nil || !r.First.IsValid() {
		return 0
	}
	first, last := int(r.First.Port()), int(r.Last.Port())
	if first == 0 && last == 0 {
		return allPorts
	}
	return max(last-first+1, 0)
}

// dnsChanges keep the two queries of a resolver out of each other's way.
func dnsChanges() []Change {
	return []Change{
		do("have the clients send the two queries one after the other, or of two sockets: options single-request-reopen (or single-request) in resolv.conf, which a pod gets by dnsConfig",
			"glibc sends the queries for A and AAAA of one socket at once: on two CPUs both want the same entry, the second is dropped, and the client waits for five seconds; musl has no such option"),
		do("put a cache for DNS on each node, whose packets are not tracked or stay on the node (NodeLocal DNSCache, systemd-resolved, dnsmasq, unbound)",
			"then few queries go through connection tracking"),
		do("or have them ask by TCP: options use-vc in resolv.conf", "a connection of TCP has an entry of its own"),
	}
}
