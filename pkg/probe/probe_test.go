// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"testing"

	"github.com/synwatch/synwatch/pkg/event"
)

// Where no module can be loaded, what is not in the kernel is not awaited, and nothing
// is missed without it.
func TestAwait(t *testing.T) {
	const facts = event.Rejected
	for _, test := range []struct {
		modules bool
		want    event.HookState
	}{
		{true, event.HookState{Status: event.Waiting, Why: "module nf_reject_ipv4 is not loaded"}},
		{false, event.HookState{Status: event.Unavailable, Why: "this kernel has no nf_reject_ipv4"}},
	} {
		p := &probe{hook: &hook{name: "nf_send_reset", module: rejectIPv4, facts: facts}, status: event.Unavailable}
		p.await(test.modules)
		test.want.Name = p.name
		if got := p.state(); got != test.want {
			t.Errorf("modules %v: %v, want %v", test.modules, got, test.want)
		}
		tracer := &Tracer{kernel: &kernel{}, free: &tracepoint{}, hooks: []*probe{p}}
		if !tracer.currentCoverage().Observable.Has(facts) {
			t.Errorf("modules %v: the facts are not observable", test.modules)
		}
	}
}
