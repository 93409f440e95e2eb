// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/netns/netnstest"
)

// counted is a rule with a counter that has counted.
func counted(n uint64, does expr.Any) []expr.Any {
	return []expr.Any{&expr.Counter{Packets: n, Bytes: 60 * n}, does}
}

func addRules() error {
	conn, err := nftables.New()
	if err != nil {
		return err
	}
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "t"})
	base := func(name string, kind nftables.ChainType, hook *nftables.ChainHook) *nftables.Chain {
		return conn.AddChain(&nftables.Chain{Name: name, Table: table, Type: kind, Hooknum: hook, Priority: nftables.ChainPriorityFilter})
	}
	forward := base("through", nftables.ChainTypeFilter, nftables.ChainHookForward)
	in := base("in", nftables.ChainTypeFilter, nftables.ChainHookInput)
	policy := conn.AddChain(&nftables.Chain{Name: "policy", Table: table})
	drop := &expr.Verdict{Kind: expr.VerdictDrop}
	for _, r := range []nftables.Rule{
		{Chain: policy, Exprs: counted(28, drop)},
		{Chain: policy, Exprs: counted(0, drop)},
		{Chain: policy, Exprs: counted(9, &expr.Verdict{Kind: expr.VerdictReturn})},
		{Chain: forward, Exprs: counted(99, &expr.Verdict{Kind: expr.VerdictJump, Chain: "policy"})},
		{Chain: in, Exprs: counted(1000, drop)},
		{Chain: base("post", nftables.ChainTypeNAT, nftables.ChainHookPostrouting), Exprs: counted(7, &expr.Masq{})},
	} {
		r.Table = table
		conn.AddRule(&r)
	}
	return conn.Flush()
}

var errNotLoaded = errors.New("nf_tables is not loaded")

func askable() error {
	if !mayAsk() {
		return errNotLoaded
	}
	return nil
}

func TestRulesOfTheRunningMachine(t *testing.T) {
	needs.Able(t, askable(), errNotLoaded)
	_, id := netnstest.New(t)
	err := netns.Do(id, func(netns.Location, netns.ID) error {
		if err := addRules(); err != nil {
			return err
		}
		got, err := readRules()
		if err != nil {
			return err
		}
		for _, rules := range [][]FirewallRule{got.Refusing, got.SourceNAT} {
			for i := range rules {
				rules[i].Text = "" // the handle
			}
		}
		want := &Firewall{Refusing: []FirewallRule{{"ip", "t", "policy", "", 28}}, SourceNAT: []FirewallRule{{"ip", "t", "post", "", 7}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
