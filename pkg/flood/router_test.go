// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"context"
	"testing"

	"github.com/synwatch/synwatch/pkg/needs"
)

// TestRouter makes connections through the host and across its bridge.
func TestRouter(t *testing.T) {
	needs.Root(t)
	r, err := NewRouter()
	skipIfCannot(t, err)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	for name, connect := range map[string]func(context.Context, Thread, uint64) (Sent, error){"routed": r.Routed, "bridged": r.Bridged} {
		const n = 100
		sent, err := connect(t.Context(), Thread{Alone: true}, n)
		if err != nil || sent.Packets != n {
			t.Errorf("%s: %d of %d: %v", name, sent.Packets, n, err)
		}
	}
	all, err := r.Netns()
	if err != nil || len(all) != 4 {
		t.Errorf("%d namespaces: %v", len(all), err)
	}
}
