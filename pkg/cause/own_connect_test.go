// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"slices"
	"testing"

	"github.com/synwatch/synwatch/pkg/event"
)

// What connection tracking refuses of this host's own connections moves its
// counters, and gives no record.
func TestOwnConnectsAreCountedOnly(t *testing.T) {
	a := NewAttributor(event.Coverage{Observable: event.AllFacts})
	for _, r := range refusals {
		e := event.Event{Hook: event.HookFree, Facts: r.All | event.Outgoing, Location: "nf_hook_slow"}
		if got := a.Attribute(&e); got.Cause != r.Cause {
			t.Errorf("%v is named %s, want %s", e.Facts, got.Cause, r.Cause)
		}
		e.Facts |= event.OwnConnect
		if got := a.Attribute(&e); got.Cause != benign || !slices.Equal(got.Counters, r.Counters) {
			t.Errorf("%v is named %s with %v", e.Facts, got.Cause, got.Counters)
		}
	}
}
