// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/flood"
	"github.com/synwatch/synwatch/pkg/needs"
)

// TestMeasure runs every scenario under the floor that counts, which must see
// all that the kernel drops.
func TestMeasure(t *testing.T) {
	needs.Root(t)
	const n = 10000
	size := Size{Sources: 16, Packets: n, Connections: 100, Idle: time.Millisecond, WarmUp: 10 * time.Millisecond}
	for _, s := range Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			c := floorOr(t, Untraced, s)
			r, err := Bench{Scenario: s, Size: size}.Measure(t.Context(), c)
			needs.Able(t, err, flood.ErrCannot)
			want := uint64(0)
			if s.Floods {
				want = n
			}
			// More are dropped to warm up.
			if s.Floods != (r.Dropped > want) || s.Floods && r.Sent.Packets != want {
				t.Errorf("sent %d packets and the kernel dropped %d, want %d and more", r.Sent.Packets, r.Dropped, want)
			}
			if c.Name != Untraced.Name && r.Report.Drops < r.Dropped {
				t.Errorf("the floor counted %d drops of %d", r.Report.Drops, r.Dropped)
			}
		})
	}
}

// floorOr is the floor that counts or, where a scenario's needs fentry and this
// kernel has none, another contender.
func floorOr(t *testing.T, other Contender, s Scenario) Contender {
	if s.Cause != flood.AcceptQueue.Cause {
		return Floors[1]
	}
	f, err := openFloor(Watched{Cause: s.Cause}, "count")
	if err != nil {
		t.Log(err)
		return other
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	return Floors[1]
}

// TestCompareLeavesOut wants an optional contender that cannot start to be
// named, and any other to be an error.
func TestCompareLeavesOut(t *testing.T) {
	needs.Root(t)
	idle := Scenarios()[len(Scenarios())-1]
	b := Bench{Scenario: idle, Size: Size{Idle: time.Millisecond}}
	missing := Synwatch("/nonexistent/synwatch")
	_, err := b.Compare(t.Context(), []Contender{missing}, 1)
	if err == nil {
		t.Error("no error for a synwatch that does not exist")
	}
	missing.Optional = true
	rows, err := b.Compare(t.Context(), []Contender{missing}, 2)
	if err != nil || len(rows) != 2 || rows[1].Missing == "" || rows[0].Rounds != 2 {
		t.Errorf("got %+v (%v)", rows, err)
	}
}
