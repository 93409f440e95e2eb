// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"slices"
	"testing"

	"github.com/synwatch/synwatch/pkg/event"
)

// TestRulesNameWhatKernelsHave finds misspelt names: a rule that asks for a reason,
// a location or a hook that no kernel has is idle everywhere.
func TestRulesNameWhatKernelsHave(t *testing.T) {
	known := namesOf(replays(t))
	var missing []string
	add := func(kind, name string) {
		if key := kind + " " + name; name != "" && !known[key] && !slices.Contains(missing, key) {
			missing = append(missing, key)
		}
	}
	for i := range rules {
		r := &rules[i]
		add("hook", string(r.Hook))
		for _, reason := range r.Reasons {
			add("reason", reason)
		}
		for _, location := range r.Locations {
			add("location", location)
		}
	}
	compareList(t, "no recorded kernel has it", unknown, missing)
}

// namesOf is what the kernels call things: their hooks, their drop reasons, and the
// functions in which packets were freed.
func namesOf(kernels []*replay) map[string]bool {
	names := map[string]bool{}
	add := func(events []event.Event) {
		for i := range events {
			names["hook "+string(events[i].Hook)] = true
			names["location "+events[i].Location] = true
		}
	}
	for _, r := range kernels {
		for _, h := range r.coverage.Hooks {
			names["hook "+h.Name] = true
		}
		for reason := range r.coverage.Reasons {
			names["reason "+reason] = true
		}
		for i := range r.takes {
			add(r.takes[i].events)
		}
		add(r.passed)
	}
	return names
}
