// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"slices"

	"github.com/synwatch/synwatch/pkg/event"
)

// Partial says whether the run may see only some of the ways in which a stage of a
// cause shows itself: it lacks a hook that one of the stage's rules needs.
func (a *Attributor) Partial(id, stage string) bool {
	for i := range rules {
		r := &rules[i]
		if r.Cause.ID == id && r.Stage == stage && r.reasonKnown(&a.cov) && !r.observable(&a.cov) {
			return true
		}
	}
	return false
}

// observable says whether the run lacks none of the hooks that the rule needs. Where
// the kernel gives reasons, TCP_CSUM stands for BadChecksum, which is not looked at.
func (r *Rule) observable(cov *event.Coverage) bool {
	facts := cov.Observable
	if cov.HasReasons {
		facts |= event.BadChecksum
	}
	return facts.Has(r.All|r.None) && !lacks(cov, r.Hook)
}

// lacks says whether a hook is needed and not attached. A hook that is not listed is not
// needed on this kernel, whose reasons say the same.
func lacks(cov *event.Coverage, hook event.Hook) bool {
	if hook == event.HookConnRequest {
		return !sees(cov, hook)
	}
	return slices.ContainsFunc(cov.Hooks, func(h event.HookState) bool {
		return h.Name == string(hook) && h.Status != event.Attached
	})
}
