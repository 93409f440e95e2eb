// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"testing"

	"github.com/synwatch/synwatch/pkg/nstat"
)

// hasInterfaces are such as containers have.
func hasInterfaces(names ...string) func(*Facts) {
	return func(f *Facts) {
		for _, name := range names {
			f.Space.Interfaces = append(f.Space.Interfaces, nstat.Interface{Name: name})
		}
	}
}

// before are counters since they began, of which none moved in the window.
func before(name string, n uint64) func(*Facts) {
	return func(f *Facts) { f.totals = nstat.Values{name: n} }
}

func init() {
	type change = []func(*Facts)
	off, came := sysctl(ipForward, "0"), counter(inAddrErrors4, 5000)
	row("forwarding off, for containers", change{off, came, hasInterfaces("eth0", "docker0", "br-0123456789ab", "br-lan", "veth12")}, "critical forwarding-off",
		"IpInAddrErrors 5000", "virtual machines 2 br-0123456789ab, docker0", "net.ipv4.ip_forward 0", "sysctl -w net.ipv4.ip_forward=1", "no sysctl file sets it")
	row("forwarding that was on", change{off, came, counter(forwarded4, 800)}, "critical forwarding-off", "forwarded while it was on 800")
	row("forwarding that was on, and a few that came", change{off, counter(inAddrErrors4, 20), counter(forwarded4, 800)}, "critical forwarding-off")
	row("forwarding off, of a host with bridged guests", change{off, counter(inAddrErrors4, 60), hasInterfaces("br0", "vnet3", "tap1")}, "")
	row("forwarding that was on, in a window", change{window, off, counter(inAddrErrors4, 3), before(forwarded4, 800)}, "critical forwarding-off", "forwarded while it was on 800")
	row("forwarding off, in the way of a file", change{off, came, line(ipForward, "1")}, "critical forwarding-off,note file-not-in-force", "in a file 1 /etc/sysctl.conf:7", "something has set it to 0")
	row("forwarding switched off by a file", change{off, came, hasInterfaces("cni0"), line(allForward4, "0")}, "critical forwarding-off",
		"/etc/sysctl.conf:7 sets it to 0", "sed -i '7s/^/#/' /etc/sysctl.conf")
	row("forwarding off, of a host", change{off, came}, "note forwarding-off", "is this machine to forward packets", "net.ipv4.ip_forward = 1", "!sysctl -w net.ipv4.ip_forward")
	row("forwarding off, and a few packets for others", change{off, counter(inAddrErrors4, 60), hasInterfaces("docker0")}, "")
	row("forwarding off, and none for others", change{off, hasInterfaces("docker0"), counter(forwarded4, 800)}, "")
	row("packets of wrong addresses with forwarding on", change{sysctl(ipForward, "1"), came, hasInterfaces("docker0")}, "")
	row("forwarding off, as only the counters say", change{counter(ipForwarding, 2), came, hasInterfaces("docker0")}, "critical forwarding-off", "sysctl -w net.ipv4.ip_forward=1")
	row("forwarding off on the one interface", change{sysctl(ipForward, "1"), sysctl(forwardKey("eth1.7"), "0"), sysctl(forwardKey("eth0"), "1"), came, counter(forwarded4, 800)},
		"warning forwarding-off", "sysctl -w net.ipv4.conf.eth1/7.forwarding=1")
	row("forwarding off on two interfaces", change{sysctl(ipForward, "1"), sysctl(forwardKey("eth1"), "0"), sysctl(forwardKey("eth2"), "0"), came, counter(forwarded4, 800)},
		"warning forwarding-off", "do the packets come in on it", "!sysctl -w net.ipv4.conf.eth1")
	row("forwarding of IPv6 off", change{sysctl(ipForward, "1"), sysctl(allForward6, "0"), counter(inAddrErrors6, 5000), counter(forwarded6, 10)},
		"critical forwarding-off", "sysctl -w net.ipv6.conf.all.forwarding=1", "!ip_forward=1")

	row("forwarding of IPv6 off, on a gateway of IPv4", change{sysctl(ipForward, "1"), sysctl(allForward6, "0"), counter(inAddrErrors6, 5000), counter(forwarded4, 1e6), hasInterfaces("docker0")},
		"note forwarding-off", "is this machine to forward packets", "!sysctl -w")

	row("no route on a gateway", change{counter(forwarded4, 1e6), counter("IpExtInNoRoutes", 4000)}, "warning no-route", "was to forward", "synwatch trace --cause no-route")
	row("no route for a few on a gateway", change{counter(forwarded4, 1e9), counter("IpExtInNoRoutes", 4000)}, "note no-route")
	row("no route for an application that tries IPv6", change{counter("IpOutNoRoutes", 4000)}, "note no-route")
	row("no route now and then", change{counter(forwarded4, 1000), counter("IpExtInNoRoutes", 50), counter("IpOutNoRoutes", 99)}, "")

	row("packets too big that nobody hears of", change{counter(forwarded4, 1e6), counter(fragFails4, 40000), counter("IcmpOutDestUnreachs", 40100)}, "warning path-mtu",
		"do not hear", "IcmpOutDestUnreachs 40100", "maxseg size set rt mtu", "--clamp-mss-to-pmtu", "fragmentation needed")
	row("packets too big of a gateway that says so", change{counter(forwarded4, 1e9), counter(fragFails4, 40000)}, "note path-mtu", "!do not hear")
	row("packets too big of IPv6", change{counter(forwarded6, 1e6), counter(tooBig6, 40000)}, "warning path-mtu", "Ip6InTooBigErrors 40000")
	row("packets too big of a host", change{counter(fragFails4, 40000)}, "")

	row("neighbours behind a gateway", change{window, counter("Neighbourunresolved_discards", 9), before(forwarded4, 800)}, "warning neighbour-unresolved", "an endpoint of destination NAT that is gone")

	row("a full table of a gateway", change{sysctl(ctCount, "262144"), counter(forwarded4, 1e8), heldBy("198.51.100.0/29")}, "critical conntrack-full",
		"table is full on a gateway: 198.51.100.0/29 holds 90 %", "packets forwarded 100000000", "for all who are behind it")
	row("clashes on a gateway", change{window, counter("Conntrackinsert_failed", 30), counter(forwarded4, 1e8)}, "warning conntrack-insert-failed",
		"packets forwarded 100000000", "does this machine do source NAT", "fully-random", "MASQUERADE --random-fully", "single-request-reopen", "are they DNS queries")
}

func TestForwardedBeforeTheWindow(t *testing.T) {
	now, before := snapshot(1, 1), snapshot(1, 1)
	now.Spaces[0].Counters = nstat.Values{forwarded4: 900}
	before.Spaces[0].Counters = nstat.Values{forwarded4: 900}
	if f := FactsOf(now, before)[0]; f.sum(forwarded4) != 0 || f.everForwarded() != 900 {
		t.Errorf("%d in the window, %d ever", f.sum(forwarded4), f.everForwarded())
	}
}
