// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// mayAsk says whether asking the kernel for rules of nftables changes nothing: it would
// load nf_tables where that is a module (net/netfilter/nfnetlink.c:nfnetlink_rcv_msg).
func mayAsk() bool {
	if _, err := running.read("/proc/modules"); errors.Is(err, fs.ErrNotExist) {
		return true // this kernel has none
	}
	return len(running.list("/sys/module/nf_tables")) > 0
}

var nftFamilies = map[nftables.TableFamily]string{nftables.TableFamilyIPv4: "ip", nftables.TableFamilyIPv6: "ip6", nftables.TableFamilyINet: "inet"}

// readRules reads the rules of nftables, and so those of iptables-nft, of the calling
// thread's namespace; nil where there are none, or iptables has them in the kernel's
// older form. Without the privilege it reads none.
func readRules() (*Firewall, error) {
	if !mayAsk() {
		return nil, nil
	}
	conn, err := nftables.New(nftables.AsLasting())
	if err != nil {
		return nil, fmt.Errorf("open nftables: %w", err)
	}
	defer conn.CloseLasting()
	chains, err := conn.ListChains()
	if errors.Is(err, fs.ErrPermission) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list chains: %w", err)
	}
	l := listing{conn: conn, rules: ruleset{}, chains: map[chainKey]*nftables.Chain{}}
	for _, chain := range chains {
		if family, ok := nftFamilies[chain.Table.Family]; ok {
			l.chains[chainKey{family, chain.Table.Name, chain.Name}] = chain
		}
	}
	for key, chain := range l.chains {
		if hook := hookOf(chain); hook != "" {
			if err := l.read(key, hook); err != nil {
				return nil, err
			}
		}
	}
	return l.rules.firewall(), nil
}

// hookOf is the hook of a base chain that matters.
func hookOf(chain *nftables.Chain) string {
	switch {
	case chain.Hooknum == nil:
		return ""
	case *chain.Hooknum == *nftables.ChainHookForward:
		return "forward"
	case *chain.Hooknum == *nftables.ChainHookPostrouting:
		return "postrouting"
	}
	return ""
}

// listing reads the chains that packets meet, as kube-proxy has tens of thousands of
// others.
type listing struct {
	conn   *nftables.Conn
	rules  ruleset
	chains map[chainKey]*nftables.Chain
}

func (l *listing) read(key chainKey, hook string) error {
	chain := l.chains[key]
	if chain == nil || l.rules[key] != nil {
		return nil
	}
	parsed := l.rules.chain(key, hook)
	rules, err := l.conn.GetRules(chain.Table, chain)
	if err != nil {
		return fmt.Errorf("list rules: %w", err)
	}
	for _, rule := range rules {
		p := parsedRule{text: fmt.Sprintf("handle %d", rule.Handle)}
		for _, e := range rule.Exprs {
			p.take(e)
		}
		parsed.rules = append(parsed.rules, p)
		for _, name := range p.jumps {
			if err := l.read(chainKey{key.family, key.table, name}, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// take takes what matters from an expression of a rule.
func (p *parsedRule) take(e expr.Any) {
	switch e := e.(type) {
	case *expr.Counter:
		p.packets = e.Packets
	case *expr.Reject:
		p.verdict = refuses
	case *expr.Masq:
		p.verdict = translates
	case *expr.NAT:
		if e.Type == expr.NATTypeSourceNAT {
			p.verdict = translates
		}
	case *expr.Target:
		p.verdict = max(p.verdict, targets[e.Name])
	case *expr.Verdict:
		switch e.Kind {
		case expr.VerdictDrop:
			p.verdict = refuses
		case expr.VerdictJump, expr.VerdictGoto:
			p.jumps = append(p.jumps, e.Chain)
		}
	}
}
