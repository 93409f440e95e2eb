// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/text"
)

var traceForwardRules = []Rule{
	{
		ID: "traced-forwarding-off", Scope: Trace, Causes: []string{"forwarding-off"}, Needs: NeedsSurvey,
		When:  "drops of forwarding-off were traced",
		Means: forwardingMeans,
		Find:  tracedForwardingOff,
	},
	{
		ID: "traced-no-route", Scope: Trace, Causes: []string{"no-route"}, Needs: NeedsSurvey,
		When:  "drops of no-route were traced",
		Means: "connect() fails at once with \"network is unreachable\" or \"no route to host\"; behind a blackhole, or where the ICMP error does not arrive, it hangs",
		Find:  tracedNoRoute,
	},
	{
		ID: "traced-neighbour-unresolved", Scope: Trace, Causes: []string{"neighbour-unresolved"}, Needs: NeedsSurvey,
		When:  "drops of neighbour-unresolved were traced, mostly of packets that were on their way through this machine, or its own connections'",
		Means: "connect() hangs, or fails after some seconds with \"no route to host\"",
		Find:  tracedNeighbour,
	},
	{
		ID: "traced-packet-too-big", Scope: Trace, Causes: []string{"packet-too-big"},
		When:  "drops of packet-too-big were traced",
		Means: pathMTUMeans,
		Find:  tracedTooBig,
	},
	{
		ID: "traced-hop-limit", Scope: Trace, Causes: []string{"hop-limit-exceeded"}, Needs: NeedsSurvey,
		When:  "drops of hop-limit-exceeded were traced",
		Means: "in a routing loop, connect() hangs or says \"no route to host\"; a traceroute means to be answered like this",
		Find:  tracedHopLimit,
	},
}

func tracedForwardingOff(f *Facts) *Finding {
	t := f.Tally
	x := &Finding{Severity: t.severity(), Title: "packets for others came, and this machine does not forward" + t.ofWhom(), Evidence: t.wayEvidence()}
	known := f.lookAtSpace()
	fam := f.forwarding6()
	if !t.isIPv6() {
		fam = f.forwarding4(t.Answer.Interface)
	}
	off := fam.off
	for _, key := range off {
		x.Evidence = append(x.Evidence, f.inForce(key)...)
	}
	signs := f.routerEvidence(&fam)
	x.Evidence = append(x.Evidence, signs...)
	meant := len(signs) > 0 || t.Busiest.Target != nil || t.origDst().IsValid()
	if meant {
		x.Title = "forwarding is off on a machine that others' packets go through" + t.ofWhom()
		x.Severity = max(x.Severity, Warning)
		if t.Count >= least {
			x.Severity = Critical
		}
	}
	switch {
	case known && len(off) == 0:
		x.Changes = []Change{do("nothing more: forwarding is on now", "it was off when these packets came")}
	case len(off) > 1:
		x.Changes = []Change{do("set net.ipv4.conf.INTERFACE.forwarding to 1 for the one that they come in on", "ip_forward is 1, and that of several interfaces is 0")}
	case known:
		x.Changes = f.forwardChanges(off)
		if !meant {
			x.Changes = asked(x.Changes, isRouter)
		}
	default:
		x.Changes = []Change{set(forwardSysctl(t.isIPv6()), 1, "packets that come to be forwarded are dropped while it is 0").ask("is it 0? " + isRouter)}
	}
	return x
}

func forwardSysctl(v6 bool) string {
	if v6 {
		return allForward6
	}
	return ipForward
}

func tracedNoRoute(f *Facts) *Finding {
	t := f.Tally
	to := t.Busiest.String()
	x := &Finding{Severity: t.severity(), Evidence: t.wayEvidence()}
	f.lookAtSpace()
	add := do("add the route, or the default route, where the destination is one that this machine is to reach; or correct what the sender, or NAT, addresses",
		"the kernel has no route of its own choice")
	switch t.stage() {
	case "refused":
		x.Title = "a route refuses packets to " + to + t.ofWhom()
		add = do("take the route away if it is not meant: ip route show type unreachable, type prohibit and type blackhole, and ip rule, list them",
			"network plugins and VPNs add such routes for networks whose hosts are gone, so that packets do not go elsewhere")
	case "connect":
		x.Title = "this machine's own connections to " + to + " find no route"
		if t.isIPv6() { // applications try both families, and go on with the other
			x.Severity = Note
			add = do("nothing, if this machine has no IPv6 and the application goes on with IPv4; else add the route, or the default route", "an application that finds an IPv6 address tries it first")
		}
	default:
		x.Title = "there is no route to " + to + t.ofWhom()
	}
	if t.Busiest.Dst.IsValid() {
		x.Changes = append(x.Changes, f.look("see which route there is", "packets that are forwarded may have another one by ip rule: put from SOURCE iif INTERFACE behind it", "ip", "route", "get", t.Busiest.Dst.String()))
	}
	x.Changes = append(x.Changes, add)
	return x
}

// tracedNeighbour is about next hops that do not answer. What replies to clients die of
// is theirs.
func tracedNeighbour(f *Facts) *Finding {
	t := f.Tally
	if !t.passes() {
		return nil
	}
	to, orig := t.Busiest.String(), t.origDst()
	x := &Finding{Severity: t.severity(), Title: to + " does not answer, nor a router towards it", Evidence: t.wayEvidence()}
	f.lookAtSpace()
	if orig.IsValid() {
		x.Severity, x.Title = Warning, fmt.Sprintf("%s is translated to %s, which does not answer: a stale endpoint", orig, to)
		x.Means = "connections to the published port or the service hang where they are sent to this endpoint, and work where it has others that are alive"
		x.Changes = append(x.Changes, do(fmt.Sprintf("take the endpoint %s out of what publishes %s: a port of a container that is gone (docker ps), an endpoint of a service (kubectl get endpointslices), a real server of IPVS (ipvsadm -Ln), or a rule (nft list ruleset, iptables-save)", t.Busiest.address(), orig),
			"destination NAT still sends clients there, and nobody has that address"))
	}
	if t.Busiest.Dst.IsValid() {
		x.Changes = append(x.Changes,
			f.look("see how the neighbour stands: FAILED and INCOMPLETE did not answer", "the host is down or gone, or ARP and neighbour discovery do not reach it (VLAN, bridge, a firewall of arp or bridge)", "ip", "neigh", "show", "to", t.Busiest.Dst.String()),
			f.look("see which way leads there", "where it is by a router, it is the router that does not answer", "ip", "route", "get", t.Busiest.Dst.String()))
	}
	if x.Changes == nil {
		x.Changes = []Change{do(t.Cause.Fix, t.Cause.Meaning)}
	}
	return x
}

// deaf is how many packets too big a sender that hears of them does not send.
const deaf = 3

func tracedTooBig(f *Facts) *Finding {
	t := f.Tally
	x := &Finding{Severity: Note, Title: "packets were too big for the way to " + t.Busiest.String() + t.ofWhom(), Evidence: t.wayEvidence(), Changes: clampChanges()}
	if t.Evidence != nil && t.Evidence.Path != nil {
		p := t.Evidence.Path
		x.Title = fmt.Sprintf("packets of %d bytes do not fit the MTU of %d on the way to %s%s", p.Size, p.MTU, t.Busiest.String(), t.ofWhom())
		x.Evidence = append(x.Evidence, value("MTU of the way", uint64(p.MTU)), value("size of the newest packet", uint64(p.Size)))
	}
	if sources := uint64(len(t.BySource)); t.Count >= least && t.Count > deaf*sources {
		x.Severity = Warning
		x.Evidence = append(x.Evidence, Evidence{What: "packets for each source", Value: fmt.Sprint(t.Count / max(sources, 1)), Where: "a sender that hears of it soon sends smaller ones"})
	}
	return x
}

func tracedHopLimit(f *Facts) *Finding {
	t := f.Tally
	to := t.Busiest.String()
	x := &Finding{Severity: Note, Title: "packets to " + to + " had passed too many routers" + t.ofWhom(), Evidence: t.wayEvidence()}
	f.lookAtSpace()
	if t.BusiestCount >= rangeLeast {
		x.Severity, x.Title = Warning, "packets to "+to+" go round in a routing loop"+t.ofWhom()
	}
	if t.Busiest.Dst.IsValid() {
		x.Changes = append(x.Changes, f.look("see where this machine sends them", "the next router sends them back where there is a loop: a route that both think the other has, or one that is missing for addresses that are not in use",
			"ip", "route", "get", t.Busiest.Dst.String()))
	}
	x.Changes = append(x.Changes, do("see whether they are a traceroute's (traceroute, mtr, tracepath), which is no fault",
		fmt.Sprintf("%s came; a traceroute sends a few for each router, and a loop brings each packet back many times", text.Count(t.Count, "packet"))))
	return x
}
