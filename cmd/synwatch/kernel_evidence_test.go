// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/provoke"
)

// checkEvidence demands that a full queue is shown as full, that a RST is reported,
// and that a chain is named.
func (tr *trial) checkEvidence(t *testing.T, r record, cov event.Coverage) {
	t.Helper()
	number := func(key string) float64 {
		n, ok := r.Evidence[key].(float64)
		if !ok {
			t.Errorf("no %s in the evidence: %v", key, r)
		}
		return n
	}
	switch {
	case r.Cause == "accept-queue-full" && r.Evidence["accept_queue"] == nil:
		// The tracepoint alone shows a reason, but no listener.
		if r.Reason == "" {
			t.Errorf("no evidence: %v", r)
		}
	case r.Cause == "accept-queue-full":
		if number("accept_queue") <= number("accept_queue_max") {
			t.Errorf("the queue is not full: %v", r)
		}
		if reset, _ := r.Evidence["reset"].(bool); reset != (tr.Variant == "reset") {
			t.Errorf("evidence.reset is %v: %v", reset, r)
		}
	case r.Cause == "syn-queue-full":
		if number("syn_queue") <= number("accept_queue_max") {
			t.Errorf("the queue is not full: %v", r)
		}
	case r.Cause == "netfilter-drop", r.Cause == "netfilter-reject", r.Cause == "conntrack-invalid":
		tr.checkChain(t, r, cov)
	}
}

// chain is where a provocation's rule is.
type chain struct{ family, hook string }

// hooksOf is where a packet of each direction is refused unless the provocation's name
// says other.
var hooksOf = map[event.Direction]string{"": "input", event.In: "input", event.Forward: "forward", event.Out: "output"}

// chainOf goes by the last word of the variant that names a hook, or else by the
// direction. All but the rules for devices and bridges are in tables of family inet.
func (tr *trial) chainOf(d event.Direction) chain {
	at := chain{"inet", hooksOf[d]}
	if tr.Name() == "conntrack-invalid/metadata" {
		at.hook = "prerouting"
	}
	for word := range strings.SplitSeq(tr.Variant, "/") {
		switch word {
		case "prerouting", "forward", "output", "postrouting":
			at.hook = word
		case "snat":
			at.hook = "postrouting"
		case "ingress":
			at = chain{"netdev", word}
		case "bridged":
			if tr.Cause == "netfilter-drop" {
				at.family = "bridge"
			}
		case "ip": // with br_netfilter
			at.family = "inet"
		}
	}
	return at
}

// checkChain demands of the chain what the attached hooks can show.
func (tr *trial) checkChain(t *testing.T, r record, cov event.Coverage) {
	t.Helper()
	at := tr.chainOf(tr.want.Drops[0].Direction)
	packet := map[provoke.Family]string{provoke.V4: "ip", provoke.V6: "ip6", provoke.Mapped: "ip"}[tr.family]
	hook, table, name := "nft_do_chain", "provoke", "drops"
	if provoke.ByIPTables() || slices.Contains(strings.Split(tr.Variant, "/"), "iptables") {
		hook = map[provoke.Family]string{provoke.V4: "ipt_do_table", provoke.V6: "ip6t_do_table"}[tr.family]
		at.family, table, name = packet, "filter", strings.ToUpper(at.hook)
		if at.hook == "prerouting" || at.hook == "postrouting" {
			table = "mangle" // which has such chains
		}
	}
	switch {
	case isAttached(cov, hook):
	case isAttached(cov, "nf_hook_slow"):
		table, name = "", ""
		if at.family == "inet" {
			at.family = packet
		}
	default:
		return
	}
	got := func(key string) string { s, _ := r.Evidence[key].(string); return s }
	if (chain{got("nf_family"), got("nf_hook")}) != at || got("nf_chain") != name ||
		strings.TrimRight(got("nf_table"), "0123456789") != table {
		t.Errorf("want table %s, chain %q at %v: %v", table, name, at, r)
	}
}

func isAttached(cov event.Coverage, hook string) bool {
	return slices.ContainsFunc(cov.Hooks, func(h event.HookState) bool {
		return h.Name == hook && h.Status == event.Attached
	})
}
