// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"slices"
	"sync"
)

// iptablesRules are those that the runs of a lab have in the legacy tables of the server.
// A table can only be replaced as a whole.
type iptablesRules struct {
	mu  sync.Mutex
	all map[legacyTable][]*xtRule
}

type legacyTable struct {
	*ipTables
	name string
}

// change adds and removes rules of a table.
func (r *iptablesRules) change(t *ipTables, table xtTable, add, remove []*xtRule) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[legacyTable][]*xtRule{}
	}
	key := legacyTable{t, table.name}
	next := slices.DeleteFunc(slices.Concat(r.all[key], add), func(rule *xtRule) bool { return slices.Contains(remove, rule) })
	rules := make([]xtRule, len(next))
	for i, rule := range next {
		rules[i] = *rule
	}
	err := t.set(table, rules...)
	if err == nil {
		r.all[key] = next
	}
	return err
}

// iptables adds rules to a legacy table of the server, until the end.
func (b *bench) iptables(table xtTable, rules ...xtRule) {
	if b.err != nil {
		return
	}
	t := ipTables4
	if b.f == V6 {
		t = ipTables6
	}
	var own []*xtRule
	for _, rule := range rules {
		own = append(own, &rule)
	}
	b.fail(b.ServerDo(func() error { return b.legacy.change(t, table, own, nil) }))
	b.undo = append(b.undo, func() error {
		return b.ServerDo(func() error { return b.legacy.change(t, table, nil, own) })
	})
}
