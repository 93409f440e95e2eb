// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// Features that nf_tables has, or where the kernel has none, the legacy iptables.
const (
	featRules       = "packet filter"
	featRejectRules = "packet filter that rejects"
	featStateRules  = "packet filter that tracks connections"
)

func init() {
	probes[featRules] = inNFTables(featNFTables, probeXTables(filterTable, inXTables(verdictDrop)))
	probes[featRejectRules] = inNFTables(featNFTReject, probeXTables(filterTable, inXTables(rejectReset), inXTables(rejectICMP)))
	probes[featStateRules] = inNFTables(featNFTCt, probeXTables(filterTable, inXTables(dropInvalid)))
}

// inNFTables tries a feature of nf_tables, or something else if there are none.
func inNFTables(feature string, instead func(*os.File) error) func(*os.File) error {
	return func(ns *os.File) error {
		err := tryIn(ns, featNFTables)
		if err == nil {
			return tryIn(ns, feature)
		}
		if errX := instead(ns); errX != nil {
			return fmt.Errorf("%w; and %w", err, errX)
		}
		return nil
	}
}

func inXTables(a action) func(Family) xtRule {
	return func(f Family) xtRule { return xtRuleOf(int(*input.hook), onTCP(1), a, f) }
}

// ByIPTables says whether rules that do not say otherwise are the legacy iptables', as
// the kernel has no nf_tables.
func ByIPTables() bool { return probe(featNFTables) != nil }

// match is what packets a rule is for.
type match struct {
	nft []expr.Any
	xt  xtMatch
}

// onTCP matches TCP segments to a port.
func onTCP(port uint16) match { return match{ToPort(port), xtMatch{port: port}} }

// fromTCP matches TCP segments from a port.
func fromTCP(port uint16) match { return match{onPort(0, port), xtMatch{fromPort: port}} }

// action is what a rule does with a packet. Without a target the legacy iptables cannot.
type action struct {
	nft    []expr.Any
	state  uint32 // what connection tracking has to say of it, of XT_STATE_INVALID and the like
	target func(Family) []byte
}

// rule adds a table with one chain with one rule, for segments to dst, or where there is
// no nf_tables a rule to the table that has such a chain.
func (b *bench) rule(c chain, dst netip.AddrPort, a action) { b.addRule(c, onTCP(dst.Port()), a) }

func (b *bench) addRule(c chain, m match, a action) {
	if b.err != nil {
		return
	}
	if a.target != nil && ByIPTables() {
		b.iptables(c.xtTable(), xtRuleOf(int(*c.hook), m, a, b.f))
		return
	}
	if ByIPTables() {
		b.fail(errors.New("a rule that the legacy iptables cannot have, and no nf_tables"))
		return
	}
	// A run may have several tables.
	id := b.id + uint32(len(b.undo))<<16
	undo, err := addRule(int(b.server.Fd()), c, id, append(m.nft, a.nft...))
	if err != nil {
		b.fail(err)
		return
	}
	b.undo = append(b.undo, undo)
}

// xtTable is where the legacy iptables have a chain at the same hook. The hooks have the
// same numbers.
func (c chain) xtTable() xtTable {
	if *c.hook == *nftables.ChainHookPrerouting || *c.hook == *nftables.ChainHookPostrouting {
		return mangleTable
	}
	return filterTable
}

func xtRuleOf(hook int, m match, a action, f Family) xtRule {
	m.xt.state = a.state
	return xtRule{hook, m.xt, a.target(f)}
}
