// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"slices"
	"testing"

	"github.com/synwatch/synwatch/pkg/event"
)

// TestOrderOfRules finds the pairs of rules that name a recorded event differently:
// their order matters, and is to be that of ordered. The last rule, which takes what
// is left, goes without saying.
func TestOrderOfRules(t *testing.T) {
	needReplays(t)
	pairs := map[[2]*Rule]bool{}
	for _, r := range replays(t) {
		a := NewAttributor(r.coverage)
		for i := range r.takes {
			a.addPairs(pairs, r.takes[i].events)
		}
		a.addPairs(pairs, r.passed)
	}
	var got []string
	for pair := range pairs {
		if pair[1] != &rules[len(rules)-1] {
			got = append(got, pair[0].name()+" before "+pair[1].name())
		}
	}
	compareList(t, "the order matters", ordered, got)
	for pair := range pairs {
		if !notices(t, withFirst(pair[1], pair[0])) {
			t.Errorf("no recording needs %s before %s", pair[0].key(), pair[1].key())
		}
	}
	checkSpecific(t, pairs)
}

// addPairs adds each event's rule with those that come later and would name it
// differently.
func (a *Attributor) addPairs(pairs map[[2]*Rule]bool, events []event.Event) {
	for i := range events {
		first := a.Attribute(&events[i])
		for _, r := range a.rules {
			if first != nil && r.matches(&events[i]) && !r.sameAs(first) {
				pairs[[2]*Rule{first, r}] = true
			}
		}
	}
}

// withFirst is the rules with one of them moved before an earlier one.
func withFirst(late, early *Rule) []Rule {
	var moved []Rule
	for i := range rules {
		switch &rules[i] {
		case early:
			moved = append(moved, *late, *early)
		case late:
		default:
			moved = append(moved, rules[i])
		}
	}
	return moved
}

// checkSpecific demands a recorded event for each rule that is more specific than a
// later one.
func checkSpecific(t *testing.T, pairs map[[2]*Rule]bool) {
	t.Helper()
	for i := range rules {
		for j := i + 1; j < len(rules); j++ {
			early, late := &rules[i], &rules[j]
			if _, ok := unrecorded[early.key()]; ok {
				continue
			}
			if early.implies(late) && !early.sameAs(late) && !pairs[[2]*Rule{early, late}] {
				t.Errorf("no recording needs %s before %s", early.key(), late.key())
			}
		}
	}
}

// TestNoRuleIsShadowed: a rule is dead behind one that matches all that it does.
func TestNoRuleIsShadowed(t *testing.T) {
	for i := range rules {
		for j := range i {
			if rules[i].implies(&rules[j]) {
				t.Errorf("%s comes after %s and is never reached", rules[i].key(), rules[j].key())
			}
		}
	}
}

// implies says whether every event that satisfies r satisfies other.
func (r *Rule) implies(other *Rule) bool {
	return (other.Hook == "" || r.Hook == other.Hook) &&
		r.All.Has(other.All) && r.None.Has(other.None) &&
		within(r.Reasons, other.Reasons) && within(r.Locations, other.Locations)
}

func within(narrow, wide []string) bool {
	return wide == nil || narrow != nil && !slices.ContainsFunc(narrow, func(s string) bool { return !slices.Contains(wide, s) })
}

// sameAs says whether it makes no difference which of two rules an event satisfies.
func (r *Rule) sameAs(other *Rule) bool {
	return r.Cause == other.Cause && r.Stage == other.Stage && slices.Equal(r.Counters, other.Counters)
}
