// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"slices"

	"github.com/synwatch/synwatch/pkg/survey"
)

const (
	inAddrErrors4 = "IpInAddrErrors"
	inAddrErrors6 = "Ip6InAddrErrors"
	fragFails4    = "IpFragFails"
	tooBig6       = "Ip6InTooBigErrors"
)

const (
	forwardingMeans = "whoever's way leads through this machine gets no answer: connect() hangs, for containers and virtual machines behind it, and for published ports, too"
	pathMTUMeans    = "the handshake works, and the first large segment is lost: the connection hangs, unless the ICMP error reaches the sender and has it send smaller ones"
)

var forwardRules = []Rule{
	{
		ID: "forwarding-off",
		When: "packets for others came (IpInAddrErrors, Ip6InAddrErrors) and net.ipv4.ip_forward, an interface's forwarding or net.ipv6.conf.all.forwarding is 0; " +
			"more than a note only where something says that the machine is to forward: it did so before, a file sets it to 1, or it has interfaces of containers or virtual machines",
		Means: forwardingMeans,
		Find:  forwardingOff,
	},
	{
		ID: "no-route",
		When: "IpExtInNoRoutes, Ip6InNoRoutes or IpOutNoRoutes moved, at least 10 times, and since boot once an hour; " +
			"a warning only for one in 1000 of what the machine forwards",
		Means: "connect() fails at once with \"network is unreachable\" or \"no route to host\"",
		Find:  noRoute,
	},
	{
		ID: "path-mtu",
		When: "IpFragFails or Ip6InTooBigErrors moved on a machine that forwards, at least 10 times, and since boot once an hour; " +
			"a warning for one in 1000 of what it forwards, as senders that hear of it send smaller packets",
		Means: pathMTUMeans,
		Find:  pathMTU,
	},
	{
		ID:    "forward-refused",
		When:  "rules of the forward hook, or of chains that it jumps to, dropped or rejected at least 10 packets by their own counters (nft list ruleset, iptables -vnL)",
		Means: "what is meant to be refused is refused; a client that is not finds that connect() to a container or a host behind this machine hangs, or fails at once",
		Find:  forwardRefused,
	},
}

// forwardingOff is about packets for others where nothing is forwarded, which the
// kernel counts as of a wrong address (net/ipv4/route.c:ip_error, net/ipv6/ip6_output.c:
// ip6_forward). Some come to every host.
func forwardingOff(f *Facts) *Finding {
	var counted, signs, inForce []Evidence
	var off []string
	for _, fam := range []family{f.forwarding4(""), f.forwarding6()} {
		n, of := f.sum(fam.errors), f.routerEvidence(&fam)
		enough := f.regular(n) || n >= least && f.wasRouter(&fam) || n > 0 && f.Window > 0 && len(of) > 0
		if len(fam.off) == 0 || !enough {
			continue
		}
		counted, signs, off = append(counted, f.counted(fam.errors)...), append(signs, of...), append(off, fam.off...)
		for _, key := range fam.off {
			inForce = append(inForce, f.inForce(key)...)
		}
	}
	if off == nil {
		return nil
	}
	x := &Finding{
		Severity: Note, Title: "packets for others came, and this machine does not forward",
		Evidence: slices.Concat(counted, signs, inForce), Changes: f.forwardChanges(off),
	}
	switch {
	case len(signs) == 0:
		x.Changes = asked(x.Changes, isRouter)
	case slices.Contains(off, ipForward) || slices.Contains(off, allForward6):
		x.Severity, x.Title = Critical, "forwarding is off on a machine that others' packets go through"
	default:
		x.Severity, x.Title = Warning, "forwarding is off on interfaces of a machine that forwards"
		if len(off) > 1 {
			x.Changes = asked(x.Changes, "do the packets come in on it, and are they to be forwarded? synwatch trace --cause forwarding-off names the interface")
		}
	}
	return x
}

// noRoute judges by what is forwarded: an application that tries IPv6 where there is
// none counts at every try.
func noRoute(f *Facts) *Finding {
	const in4, in6, out4 = "IpExtInNoRoutes", "Ip6InNoRoutes", "IpOutNoRoutes"
	in, out := f.sum(in4, in6), f.sum(out4)
	if !f.regular(in) && !f.regular(out) {
		return nil
	}
	x := &Finding{
		Severity: Note, Title: "there was no route for packets",
		Evidence: f.counted(in4, in6, out4, forwarded4, forwarded6),
		Changes: []Change{do("see whose they are and where they were to go: synwatch trace --cause no-route",
			"then ip route get DESTINATION says what this machine knows; packets of a network that is gone, or IPv6 where there is none, need no route")},
	}
	if through := f.sum(forwarded4, forwarded6); f.regular(in) && through > 0 && in >= rangeLeast && in >= through/oneInSoMany {
		x.Severity, x.Title = Warning, "there was no route for packets that this machine was to forward"
	}
	return x
}

// pathMTU is about what was too big to be forwarded. Each packet is answered with an
// ICMP error (net/ipv4/ip_forward.c:ip_forward, net/ipv6/ip6_output.c:ip6_forward),
// so that there are few where those arrive.
func pathMTU(f *Facts) *Finding {
	n, through := f.sum(fragFails4, tooBig6), f.sum(forwarded4, forwarded6)
	if !f.regular(n) || !f.forwards() {
		return nil
	}
	x := &Finding{
		Severity: Note, Title: "packets were too big for the way on",
		Evidence: f.counted(fragFails4, tooBig6, "IcmpOutDestUnreachs", "Icmp6OutPktTooBigs", forwarded4, forwarded6),
		Changes:  append(clampChanges(), do("see whose they are, and for which way: synwatch trace --cause packet-too-big", "it shows the MTU and the packet's size")),
	}
	if n >= rangeLeast && n >= through/oneInSoMany {
		x.Severity, x.Title = Warning, "packets were too big for the way on, and the senders do not hear of it"
	}
	return x
}

// mostRules is how many rules are listed.
const mostRules = 5

// forwardRefused lists the rules that refuse what is forwarded. Whether they are meant
// to, only who made them knows.
func forwardRefused(f *Facts) *Finding {
	if f.Space.Firewall == nil {
		return nil
	}
	var n uint64
	x := &Finding{Severity: Note, Title: "firewall rules refuse packets on their way through this machine"}
	for _, r := range f.Space.Firewall.Refusing {
		n += r.Packets
		if r.Packets > 0 && len(x.Evidence) < mostRules {
			x.Evidence = append(x.Evidence, ruleEvidence(&r))
		}
	}
	if n < least {
		return nil
	}
	if r := f.Space.Firewall.Refusing[0]; !f.System.Saved {
		x.Changes = append(x.Changes, f.listChain(r.Family, r.Table, r.Chain, "each rule has its handle behind it"))
	}
	x.Changes = append(x.Changes, do("see whether clients that are to get in are among them: synwatch trace --cause netfilter-drop,netfilter-reject --direction forward",
		"it names each client, where it wanted to go, and the chain; rules for containers come from a NetworkPolicy, from Docker (DOCKER-USER), or from firewalld and ufw"))
	return x
}

func ruleEvidence(r *survey.FirewallRule) Evidence {
	return Evidence{What: fmt.Sprintf("packets in chain %s (table %s %s)", r.Chain, r.Family, r.Table), Value: fmt.Sprint(r.Packets), Where: r.Text}
}

// natEvidence is the rules of source NAT that have translated something.
func (f *Facts) natEvidence() []Evidence {
	var found []Evidence
	if f.Space.Firewall == nil {
		return nil
	}
	for _, r := range f.Space.Firewall.SourceNAT {
		if r.Packets > 0 && len(found) < mostRules {
			e := ruleEvidence(&r)
			e.What = "source NAT: " + e.What
			found = append(found, e)
		}
	}
	return found
}

// clampChanges make packets fit the way.
func clampChanges() []Change {
	return []Change{
		do("have TCP send segments that fit: nft add rule inet TABLE forward tcp flags syn tcp option maxseg size set rt mtu; iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
			"it needs no ICMP, works for TCP and for new connections"),
		do("let ICMP errors pass on all ways back to the senders: \"fragmentation needed\" (type 3, code 4), and \"packet too big\" of ICMPv6 (type 2)",
			"a sender that hears of it sends smaller packets; a firewall or a cloud's rules that drop all ICMP leave it waiting"),
		do("make the MTUs agree: ip link shows them, and a tunnel's is that of the way below it less its headers (20 bytes for IPIP, 50 for VXLAN, 60 or 80 for WireGuard)",
			"an interface of a container or a virtual machine whose MTU is that of the overlay never sends what does not fit"),
	}
}

// gatewayEvidence says how much a machine forwards, where it does.
func (f *Facts) gatewayEvidence() []Evidence {
	if !f.forwards() {
		return nil
	}
	return []Evidence{{What: "packets forwarded", Value: fmt.Sprint(f.everForwarded()), Where: "this machine is a gateway"}}
}
