// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"testing"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/flood"
	"github.com/synwatch/synwatch/pkg/netns"
)

// The kernel gives the number of a namespace that is gone to the next one. Events
// distinguish the two, and a filter on the number lets the first one's pass.
func TestReusedNamespaceNumber(t *testing.T) {
	first := newLab(t)
	number := first.Netns()
	all := newTracer(t, Options{})
	filtered := newTracer(t, Options{Filter: Filter{Netns: []uint32{number}}})
	before := dropIn(t, first, all, filtered)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := labWithNumber(t, number)
	after := dropIn(t, second, all, filtered)
	if before[0].Inode != number || before[0] != before[1] {
		t.Errorf("the first namespace is %+v", before)
	}
	if after[0].Inode != number || after[0].Cookie == before[0].Cookie {
		t.Errorf("the second namespace is %+v, and the first was %+v", after[0], before[0])
	}
	if after[1] != (netns.ID{}) {
		t.Errorf("the second namespace passes the filter on the first: %+v", after[1])
	}
}

// labWithNumber makes labs until one has the number, which the kernel gives back
// when it has cleaned up (net/core/net_namespace.c:cleanup_net).
func labWithNumber(t *testing.T, number uint32) *flood.Lab {
	t.Helper()
	for range 100 {
		f := newLab(t)
		if f.Netns() == number {
			return f
		}
	}
	t.Fatal("the number was not given to another namespace")
	return nil
}

// dropIn has the field drop a packet, and returns the namespace in which each
// tracer sees it.
func dropIn(t *testing.T, f *flood.Lab, tracers ...*Tracer) []netns.ID {
	t.Helper()
	syns, err := f.NewSender(closedPort(t, f), flood.Mix{Sources: 1})
	send(t, syns, err, f.CPUs()[0], 1)
	seen := make([]netns.ID, len(tracers))
	for i, tracer := range tracers {
		readFor(t, tracer, 3*tick, func(_ int, e *event.Event) {
			if e.Netns.Inode == f.Netns() {
				seen[i] = e.Netns
			}
		})
	}
	return seen
}
