// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/synwatch/synwatch/pkg/sockets"
)

// Provoked is called while the listener is open, with what the run returns.
func TestProvoked(t *testing.T) {
	l := newLab(t)
	listens := func(want Expect) bool {
		table, err := entries(l.ServerDo)
		if err != nil {
			t.Error(err)
		}
		return slices.ContainsFunc(table, func(e sockets.Entry) bool {
			return e.State == sockets.Listen && e.Local.Port() == want.Drops[0].Dst.Port()
		})
	}
	var calls []Expect
	l.Provoked = func(_ context.Context, want Expect) {
		calls = append(calls, want)
		if !listens(want) {
			t.Error("the listener is closed already")
		}
	}
	all := All()
	first := all[slices.IndexFunc(all, func(p Provocation) bool { return p.Name() == "accept-queue-full/syn" })]
	want, err := first.Run(t.Context(), l, V4)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(calls, []Expect{want}) {
		t.Errorf("called with %v, want %v once", calls, want)
	}
	if listens(want) {
		t.Error("the listener is still open")
	}
}
