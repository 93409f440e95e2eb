// SPDX-License-Identifier: Apache-2.0

package cause

import "slices"

// Unseen is what a run knows only by a kernel counter that moved: how
// many, not from whom.
type Unseen struct {
	// Counter is the counter that moves for most of the stages.
	Counter string
	// Also are the counters that move with it.
	Also []string
	// Stages are the causes and stages that the run cannot see one by one.
	Stages []Stage
}

// Unseen lists the counters that stages move which the run cannot see, in the
// catalogue's order. If a counter moved without an event, that is of the first
// Unseen's in which it is Counter, less what earlier ones moved as Also.
func (a *Attributor) Unseen() []Unseen {
	var unseen []Unseen
	for _, s := range a.Stages() {
		counters := countersOf(s.Cause, s.Stage)
		if s.Seen || len(counters) == 0 {
			continue
		}
		at := slices.IndexFunc(unseen, func(u Unseen) bool { return u.Counter == counters[0] })
		if at < 0 {
			unseen = append(unseen, Unseen{Counter: counters[0], Also: counters[1:]})
			at = len(unseen) - 1
		}
		unseen[at].Stages = append(unseen[at].Stages, s)
	}
	return unseen
}

// countersOf lists the counters that a stage of a cause moves.
func countersOf(c *Cause, stage string) []string {
	for i := range rules {
		if rules[i].Cause == c && rules[i].Stage == stage {
			return rules[i].Counters
		}
	}
	return nil
}
