// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"slices"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/event"
)

// key names a rule by its cause and its conditions, "socket-filter
// reasons=SOCKET_FILTER", and is unique among the rules.
func (r *Rule) key() string {
	words := []string{r.name()}
	for _, condition := range []struct{ name, value string }{
		{"hook", string(r.Hook)},
		{"all", r.All.String()},
		{"none", r.None.String()},
		{"reasons", strings.Join(r.Reasons, ",")},
		{"locations", strings.Join(r.Locations, ",")},
	} {
		if condition.value != "" {
			words = append(words, condition.name+"="+condition.value)
		}
	}
	return strings.Join(words, " ")
}

// name is the cause and the stage: "stray-ack/listener".
func (r *Rule) name() string { return strings.TrimSuffix(r.Cause.ID+"/"+r.Stage, "/") }

// withRules runs a test with other rules.
func withRules(other []Rule, test func()) {
	kept := rules
	defer func() { rules = kept }()
	rules = other
	test()
}

// notices says whether the recordings fail under other rules.
func notices(t *testing.T, mutant []Rule) bool {
	t.Helper()
	noticed := false
	withRules(mutant, func() { noticed = replaysFail(t) })
	return noticed
}

func replaysFail(t *testing.T) bool {
	t.Helper()
	return slices.ContainsFunc(replays(t), func(r *replay) bool {
		for range r.differences {
			return true
		}
		return false
	})
}

// needReplays fails where no replay could detect a mutant.
func needReplays(t *testing.T) {
	t.Helper()
	if replaysFail(t) {
		t.Fatal("the recordings fail as it is: see TestReplay")
	}
}

// TestEveryRuleIsNeeded removes each rule: the recordings must fail, or unrecorded
// say why they cannot.
func TestEveryRuleIsNeeded(t *testing.T) {
	needReplays(t)
	var needless []string
	for i := range rules {
		if !notices(t, slices.Delete(slices.Clone(rules), i, i+1)) {
			needless = append(needless, rules[i].key())
		}
	}
	compareList(t, "no recording needs the rule", unrecorded, needless)
}

func TestRulesHaveKeys(t *testing.T) {
	seen := map[string]bool{}
	for i := range rules {
		if key := rules[i].key(); seen[key] {
			t.Errorf("twice: %s", key)
		} else {
			seen[key] = true
		}
	}
}

// compareList compares exceptions, each with its reason, with those that there are.
func compareList(t *testing.T, what string, reasoned map[string]string, got []string) {
	t.Helper()
	for _, key := range got {
		if reasoned[key] == "" {
			t.Errorf("%s: %s", what, key)
		}
	}
	for key := range reasoned {
		if !slices.Contains(got, key) {
			t.Errorf("needs no exception any more: %s", key)
		}
	}
}

// TestMutantsAreNoticed breaks what the other tests rely on.
func TestMutantsAreNoticed(t *testing.T) {
	needReplays(t)
	at := slices.IndexFunc(rules, func(r Rule) bool { return r.Cause == acceptQueueFull })
	for name, change := range map[string]func(*Rule){
		"cause":    func(r *Rule) { r.Cause = socketFilter },
		"stage":    func(r *Rule) { r.Stage = "late" },
		"counters": func(r *Rule) { r.Counters = []string{listenDrops} },
		"hook":     func(r *Rule) { r.Hook = "tcp_check_oom" },
		"facts":    func(r *Rule) { r.All |= event.Martian },
	} {
		mutant := slices.Clone(rules)
		change(&mutant[at])
		if !notices(t, mutant) {
			t.Errorf("another %s is not noticed", name)
		}
	}
}
