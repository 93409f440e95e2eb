// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"cmp"
	"slices"
)

// Firewall is what the firewall's rules, of nftables or iptables, do with packets on
// their way through a network namespace.
type Firewall struct {
	// Refusing are the rules of the forward hook, and of chains that it jumps to, that
	// have dropped or rejected packets by their own counters, the most first.
	Refusing []FirewallRule
	// SourceNAT are those that translate sources.
	SourceNAT []FirewallRule
}

// FirewallRule is one rule, or the policy of a chain.
type FirewallRule struct {
	Family string // ip, ip6 or inet
	Table  string
	Chain  string
	// Text is the rule as it was printed, or its handle.
	Text string
	// Packets is how many it counted, 0 where it has no counter.
	Packets uint64
}

// same says whether it is the same rule at another time.
func (r *FirewallRule) same(o *FirewallRule) bool {
	return r.Family == o.Family && r.Table == o.Table && r.Chain == o.Chain && r.Text == o.Text
}

// Since is the firewall with what its rules counted since before.
func (f *Firewall) Since(before *Firewall) *Firewall {
	if f == nil || before == nil {
		return f
	}
	return &Firewall{Refusing: since(f.Refusing, before.Refusing), SourceNAT: since(f.SourceNAT, before.SourceNAT)}
}

func since(now, before []FirewallRule) []FirewallRule {
	var moved []FirewallRule
	for _, rule := range now {
		at := slices.IndexFunc(before, func(o FirewallRule) bool { return rule.same(&o) })
		if at >= 0 && before[at].Packets <= rule.Packets {
			rule.Packets -= before[at].Packets
		}
		moved = append(moved, rule)
	}
	slices.SortStableFunc(moved, func(a, b FirewallRule) int { return cmp.Compare(b.Packets, a.Packets) })
	return moved
}

// verdict is what matters of what a rule does with a packet.
type verdict uint8

const (
	otherVerdict verdict = iota
	refuses
	translates // the source
)

type parsedRule struct {
	text    string
	packets uint64
	verdict verdict
	jumps   []string // to these chains
}

// chainKey names a chain. Those that iptables makes in nftables are the same in both.
type chainKey struct{ family, table, name string }

type parsedChain struct {
	hook  string // of a base chain: forward, postrouting or another
	rules []parsedRule
}

// ruleset is the chains that were read.
type ruleset map[chainKey]*parsedChain

// chain makes a chain anew: what one command printed of it replaces what another did.
func (r ruleset) chain(key chainKey, hook string) *parsedChain {
	r[key] = &parsedChain{hook: hook}
	return r[key]
}

// firewall takes out what matters, nil if there are no chains.
func (r ruleset) firewall() *Firewall {
	if len(r) == 0 {
		return nil
	}
	return &Firewall{Refusing: r.of("forward", refuses), SourceNAT: r.of("postrouting", translates)}
}

// of are the rules of a verdict that packets meet at a hook. Of those that refuse, only
// such as did.
func (r ruleset) of(hook string, v verdict) []FirewallRule {
	var found []FirewallRule
	for key := range r.reached(hook) {
		for _, rule := range r[key].rules {
			if rule.verdict == v && (v != refuses || rule.packets > 0) {
				found = append(found, FirewallRule{key.family, key.table, key.name, rule.text, rule.packets})
			}
		}
	}
	slices.SortFunc(found, func(a, b FirewallRule) int {
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), cmp.Compare(a.Family, b.Family), cmp.Compare(a.Table, b.Table),
			cmp.Compare(a.Chain, b.Chain), cmp.Compare(a.Text, b.Text))
	})
	return found
}

// reached are the base chains of a hook, and those that they lead to.
func (r ruleset) reached(hook string) map[chainKey]bool {
	reached := map[chainKey]bool{}
	var next []chainKey
	for key, chain := range r {
		if chain.hook == hook {
			next = append(next, key)
		}
	}
	for len(next) > 0 {
		key := next[len(next)-1]
		next = next[:len(next)-1]
		if reached[key] || r[key] == nil {
			continue
		}
		reached[key] = true
		for _, rule := range r[key].rules {
			for _, name := range rule.jumps {
				next = append(next, chainKey{key.family, key.table, name})
			}
		}
	}
	return reached
}

// readFirewall reads what commands of a saved tree printed. That of iptables -v comes
// last, as it has both the counters and the text of all rules.
func (v *saved) readFirewall(netns string) *Firewall {
	rules := ruleset{}
	v.each(netns, "nft", "", func(_ *capture, text string) bool {
		rules.addNFT(text)
		return true
	})
	for _, of := range []struct{ command, family string }{{"iptables", "ip"}, {"ip6tables", "ip6"}} {
		v.each(netns, of.command+"-save", "", func(_ *capture, text string) bool {
			rules.addIPTablesSave(of.family, text)
			return true
		})
		v.each(netns, of.command, "v", func(c *capture, text string) bool {
			rules.addIPTables(of.family, tableOf(c.words), text)
			return true
		})
	}
	return rules.firewall()
}

// tableOf is the table that iptables was asked for.
func tableOf(words []string) string {
	if at := slices.Index(words, "-t"); at >= 0 && at+1 < len(words) {
		return words[at+1]
	}
	return "filter"
}
