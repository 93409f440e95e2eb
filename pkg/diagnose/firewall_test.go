// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/survey"
)

func refused(rules ...survey.FirewallRule) func(*Facts) {
	return func(f *Facts) { f.Space.Firewall = &survey.Firewall{Refusing: rules} }
}

func translating(rules ...survey.FirewallRule) func(*Facts) {
	return func(f *Facts) { f.Space.Firewall = &survey.Firewall{SourceNAT: rules} }
}

func init() {
	type change = []func(*Facts)
	policy := survey.FirewallRule{Family: "ip", Table: "filter", Chain: "DOCKER-USER", Text: "DROP tcp -- * * 10.9.0.5 0.0.0.0/0 tcp dpt:80", Packets: 28}
	row("a policy that dropped", change{refused(policy)}, "note forward-refused",
		"packets in chain DOCKER-USER (table ip filter) 28 DROP tcp -- * * 10.9.0.5", "--direction forward")
	few := policy
	few.Packets = 3
	row("a policy that dropped a little", change{refused(few)}, "")
	row("a policy that dropped nothing", change{refused()}, "")
	masquerade := survey.FirewallRule{Family: "ip", Table: "nat", Chain: "POSTROUTING", Text: "MASQUERADE all -- * eth0", Packets: 900}
	row("clashes with source NAT", change{window, counter("Conntrackinsert_failed", 30), translating(masquerade)}, "warning conntrack-insert-failed",
		"source NAT: packets in chain POSTROUTING (table ip nat) 900", "is it source NAT that had chosen", "!does this machine do source NAT")
	masquerade.Packets = 0
	row("clashes with source NAT for nobody", change{window, counter("Conntrackinsert_failed", 30), translating(masquerade)}, "warning conntrack-insert-failed", "does this machine do source NAT")
}

func TestRefusedSince(t *testing.T) {
	now, before := snapshot(1, 1), snapshot(1, 1)
	now.Time = now.Time.Add(time.Second)
	rule := func(n uint64) *survey.Firewall {
		return &survey.Firewall{Refusing: []survey.FirewallRule{{Family: "ip", Table: "filter", Chain: "FORWARD", Text: "policy DROP", Packets: n}}}
	}
	now.Spaces[0].Firewall, before.Spaces[0].Firewall = rule(50), rule(40)
	if got := FactsOf(now, before)[0].Space.Firewall; got.Refusing[0].Packets != 10 {
		t.Errorf("%+v", got)
	}
	now.Spaces[0].Firewall, before.Spaces[0].Firewall = rule(5), rule(40) // it is another, made anew
	if got := FactsOf(now, before)[0].Space.Firewall; got.Refusing[0].Packets != 5 {
		t.Errorf("%+v", got)
	}
}
