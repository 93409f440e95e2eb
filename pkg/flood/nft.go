// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/synwatch/synwatch/pkg/provoke"
)

// nftDrop: a rule of an input chain drops the packets, and counts them.
func nftDrop(l *Lab) (*Target, error) {
	r := rule{lab: l}
	if err := l.ServerDo(r.add); err != nil {
		return nil, err
	}
	return &Target{l.addr(portNFT), r.count, r.remove}, nil
}

type rule struct {
	lab   *Lab
	chain *nftables.Chain
}

// add runs in the server's namespace.
func (r *rule) add() error {
	conn, err := nftables.New()
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	if err := provoke.FindNFTables(conn); err != nil {
		return fmt.Errorf("%w: %w", ErrCannot, err)
	}
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "flood"})
	r.chain = conn.AddChain(&nftables.Chain{
		Name: "drops", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter,
	})
	conn.AddRule(&nftables.Rule{Table: table, Chain: r.chain, Exprs: append(
		provoke.ToPort(portNFT), &expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop},
	)})
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("%w: add nftables rule: %w", ErrCannot, err)
	}
	return nil
}

func (r *rule) count() (n uint64, err error) {
	err = r.lab.ServerDo(func() error {
		conn, err := nftables.New()
		if err != nil {
			return err
		}
		rules, err := conn.GetRules(r.chain.Table, r.chain)
		if err != nil {
			return err
		}
		n, err = packets(rules)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read nftables counter: %w", err)
	}
	return n, nil
}

func packets(rules []*nftables.Rule) (uint64, error) {
	for _, rule := range rules {
		for _, e := range rule.Exprs {
			if c, ok := e.(*expr.Counter); ok {
				return c.Packets, nil
			}
		}
	}
	return 0, errors.New("no rule with a counter")
}

func (r *rule) remove() error {
	return r.lab.ServerDo(func() error {
		conn, err := nftables.New()
		if err != nil {
			return err
		}
		conn.DelTable(r.chain.Table)
		return conn.Flush()
	})
}
