// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"strings"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/survey"
)

var tracePolicyRules = []Rule{
	{
		ID: "traced-policy", Scope: Trace, Causes: []string{"netfilter-drop", "netfilter-reject"}, Needs: NeedsSurvey,
		When:  "drops of netfilter-drop or netfilter-reject were traced, mostly of packets that were on their way through this machine, or its own connections'",
		Means: "after a drop, connect() hangs; after a reject, it fails at once",
		Find:  tracedPolicy,
	},
	{
		ID: "traced-clash", Scope: Trace, Causes: []string{"conntrack-clash", "conntrack-insert-failed"}, Needs: NeedsSurvey,
		When:  "drops of conntrack-clash or conntrack-insert-failed were traced",
		Means: "connect() hangs for a second or more, until the client tries again; a query by UDP gets no answer",
		Find:  tracedClash,
	},
	{
		ID: "traced-tc-drop", Scope: Trace, Causes: []string{"tc-drop"}, Needs: NeedsSurvey,
		When:  "drops of tc-drop were traced",
		Means: "connect() hangs, as nothing is answered",
		Find:  tracedTC,
	},
	{
		ID: "traced-qdisc-full", Scope: Trace, Causes: []string{"qdisc-full"}, Needs: NeedsSurvey,
		When:  "drops of qdisc-full were traced",
		Means: "packets are lost and sent again: connect() takes seconds, and transfers are slow",
		Find:  tracedQdisc,
	},
	{
		ID: "traced-ipsec-policy", Scope: Trace, Causes: []string{"ipsec-policy"}, Needs: NeedsSurvey,
		When:  "drops of ipsec-policy were traced",
		Means: "connect() hangs, as nothing is answered",
		Find:  tracedIPsec,
	},
}

func (t *Tally) netfilter() *event.Netfilter {
	if t.Evidence == nil {
		return nil
	}
	return t.Evidence.Netfilter
}

// rule names the chain of the rule, as far as it is known.
func (t *Tally) rule() string {
	n := t.netfilter()
	switch {
	case n == nil:
		return "a firewall rule"
	case n.Table != "" && n.Chain != "":
		return fmt.Sprintf("a rule of chain %s (table %s %s, hook %s)", n.Chain, n.Family, n.Table, n.Hook)
	case n.Hook != "":
		return fmt.Sprintf("a firewall rule of hook %s", n.Hook)
	}
	return "a firewall rule"
}

// tracedPolicy is about rules for what is forwarded, and for this machine's own
// connections. A router's drop what nobody misses, too, but hardly towards a container.
func tracedPolicy(f *Facts) *Finding {
	t := f.Tally
	if !t.passes() {
		return nil
	}
	does := "drops"
	if t.Cause.ID == "netfilter-reject" {
		does = "rejects"
	}
	x := &Finding{Severity: Note, Means: t.Cause.Client, Evidence: t.wayEvidence()}
	f.lookAtSpace()
	if n := t.netfilter(); n != nil {
		chain := strings.TrimSpace(strings.Join([]string{n.Family, n.Table, n.Chain}, " "))
		x.Evidence = append(x.Evidence, Evidence{What: "chain of the newest", Value: chain, Where: "hook " + n.Hook})
	}
	suspects := f.suspects()
	for _, r := range suspects {
		x.Evidence = append(x.Evidence, ruleEvidence(&r))
	}
	switch who := t.mostlyFrom(); {
	case t.isOwn():
		if does == "drops" { // net/ipv4/ip_output.c:ip_local_out says EPERM, which TCP takes for a loss
			x.Means = "connect() hangs; sendto() of a datagram fails with \"operation not permitted\""
		}
		x.Title = fmt.Sprintf("%s %s this machine's own packets to %s", t.rule(), does, &t.Busiest)
	case who != "":
		x.Title = fmt.Sprintf("%s %s what %s sends to %s", t.rule(), does, who, &t.Busiest)
	default:
		x.Title = fmt.Sprintf("%s %s packets to %s", t.rule(), does, &t.Busiest)
	}
	if t.Busiest.Target != nil || t.isOwn() || t.Count >= rangeLeast && t.mostlyFrom() != "" {
		x.Severity = Warning
	}
	if t.Busiest.Target != nil {
		x.Changes = append(x.Changes, do("see whether a policy for the container means them: a NetworkPolicy of its pod, the chain DOCKER-USER, or a zone of firewalld or ufw; let this source in there if it is a real client",
			"who makes the rules makes them anew, so that a rule that is taken out by hand comes back"))
	}
	if len(suspects) > 0 {
		r := suspects[0]
		x.Changes = append(x.Changes, f.listChain(r.Family, r.Table, r.Chain, "its rule has counted the most of those that refuse, since it was made"))
		return x
	}
	x.Changes = append(x.Changes, f.seeRules()...)
	return x
}

// suspects are the rules of the forward hook that have refused packets, where the kernel
// did not show which it was.
func (f *Facts) suspects() []survey.FirewallRule {
	if n := f.Tally.netfilter(); n != nil && (n.Chain != "" || n.Hook != "forward") || f.Tally.isOwn() || f.Space.Firewall == nil {
		return nil
	}
	all := f.Space.Firewall.Refusing
	return all[:min(len(all), 3)]
}

// seeRules lists the rules of the chain that the newest packet died in. A chain that
// the base chain jumps to may have the one that it is, or the base chain's policy is it.
func (f *Facts) seeRules() []Change {
	const why = "the rule may be in a chain that this one jumps to, or be the policy of this one; counters in the rules tell which it is"
	n := f.Tally.netfilter()
	switch {
	case n == nil, n.Family == "", n.Chain == "" && n.Hook == "":
		return []Change{do(f.Tally.Cause.Fix, f.Tally.Cause.Meaning)}
	case n.Table != "" && n.Chain != "":
		return []Change{f.listChain(n.Family, n.Table, n.Chain, why)}
	case n.Family == "ip6":
		return []Change{f.look("see the rules and their counters", why, "ip6tables-save", "-c")}
	}
	return []Change{f.look("see the rules and their counters", why, "iptables-save", "-c")}
}

// tcDirection is the side of an interface that a classifier is on.
func (t *Tally) tcDirection() (side, name string) {
	if t.stage() == "egress" {
		return "egress", t.OutInterface
	}
	return "ingress", t.Answer.Interface
}

func tracedTC(f *Facts) *Finding {
	t := f.Tally
	side, name := t.tcDirection()
	x := &Finding{
		Severity: t.severity(), Evidence: t.wayEvidence(),
		Title: fmt.Sprintf("a classifier or a BPF program at %s of %s drops packets to %s%s", side, interfaceName(name), &t.Busiest, t.ofWhom()),
	}
	if t.Busiest.Target != nil {
		x.Severity = Warning
	}
	f.lookAtSpace()
	if name != "" {
		x.Changes = append(x.Changes,
			f.look("see what is there", "a classifier that drops shows how often with -s", "tc", "-s", "filter", "show", "dev", name, side),
			f.look("see which BPF programs are there", "those of newer kernels (tcx) are not among the filters", "bpftool", "net", "show", "dev", name))
	} else {
		x.Changes = append(x.Changes, do(fmt.Sprintf("see what is there: tc -s filter show dev INTERFACE %s; bpftool net show", side), t.Cause.Meaning))
	}
	x.Changes = append(x.Changes, do("ask the network plugin which policy it is (Cilium: cilium monitor --type drop, hubble observe --verdict DROPPED), and let this source in there if it is a real client",
		"overlays enforce their policies here, before netfilter sees the packet"))
	return x
}

func interfaceName(name string) string {
	if name == "" {
		return "an interface"
	}
	return name
}

func tracedQdisc(f *Facts) *Finding {
	t := f.Tally
	name := t.OutInterface
	x := &Finding{
		Severity: t.severity(), Evidence: t.wayEvidence(),
		Title: fmt.Sprintf("the queue of %s drops packets to %s%s", interfaceName(name), &t.Busiest, t.ofWhom()),
	}
	f.lookAtSpace()
	if name != "" {
		x.Changes = append(x.Changes, f.look("see which queueing discipline drops, its limit and its backlog", "tbf, htb, netem and the like shape to a rate that somebody has set; a fifo drops what its limit has no room for", "tc", "-s", "qdisc", "show", "dev", name))
	} else {
		x.Changes = append(x.Changes, do("see which queueing discipline drops, its limit and its backlog: tc -s qdisc show", t.Cause.Meaning))
	}
	x.Changes = append(x.Changes,
		do("raise the rate of the shaper, or have less sent: who sends the most is in tc -s class, or in the counters of the interfaces behind this machine", "a queue that stays full is emptied too slowly; a longer one only adds delay"),
		do("against bursts, a longer queue: tc qdisc change dev INTERFACE ... limit N; for a fifo, ip link set INTERFACE txqueuelen N; or fq_codel, which drops of the flow that fills it",
			"the new connection's packet then waits, and is not lost"))
	return x
}

func tracedIPsec(f *Facts) *Finding {
	t := f.Tally
	x := &Finding{
		Severity: t.severity(), Evidence: t.wayEvidence(),
		Title: fmt.Sprintf("an IPsec policy refuses packets to %s%s", &t.Busiest, t.ofWhom()),
	}
	f.lookAtSpace()
	x.Changes = []Change{
		f.look("see the policies: one of action block, or one that wants a state that the packet did not come by", "a packet that comes in the clear where a policy wants it encrypted is refused", "ip", "-s", "xfrm", "policy"),
		f.look("see the states: are there any for these addresses, and do their counters move?", "without one, look at the log of the IKE daemon: it was not negotiated, or has expired on one side", "ip", "-s", "xfrm", "state"),
		f.look("see what IPsec counts: XfrmInPolBlock and XfrmOutPolBlock are policies, XfrmInTmplMismatch is a missing encryption", "the counter tells which of the checks refuses", "cat", "/proc/net/xfrm_stat"),
	}
	return x
}
