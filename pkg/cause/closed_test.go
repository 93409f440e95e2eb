// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"testing"

	"github.com/synwatch/synwatch/pkg/event"
)

// A packet of a connection that is over refuses nobody; a SYN that met a listener
// while it was being closed is a client's, and so are data after a close.
func TestPacketsOfClosedSockets(t *testing.T) {
	a := NewAttributor(event.Coverage{
		Observable: event.AllFacts, HasReasons: true,
		Reasons: map[string]bool{"TCP_CLOSE": true, "TCP_ABORT_ON_DATA": true},
	})
	for name, test := range map[string]struct {
		event event.Event
		want  *Cause
	}{
		"closed":             {event.Event{Reason: "TCP_CLOSE"}, benign},
		"SYN":                {event.Event{Reason: "TCP_CLOSE", Facts: event.PacketSYN}, other},
		"data after a close": {event.Event{Reason: "TCP_ABORT_ON_DATA"}, other},
	} {
		test.event.Hook, test.event.Location, test.event.Count = event.HookFree, "tcp_v4_do_rcv", 1
		if r := a.Attribute(&test.event); r == nil || r.Cause != test.want {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
