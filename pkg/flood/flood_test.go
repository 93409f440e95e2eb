// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"testing"

	"github.com/synwatch/synwatch/pkg/needs"
)

// TestDropsExactly floods each target and wants the kernel to have counted every
// packet.
func TestDropsExactly(t *testing.T) {
	f := newLab(t)
	for _, s := range Scenarios {
		t.Run(s.Name, func(t *testing.T) {
			target := newTarget(t, f, s)
			sender, err := f.NewSender(target.Addr, Mix{Sources: 100})
			if err != nil {
				t.Fatal(err)
			}
			before, err := target.Dropped()
			if err != nil {
				t.Fatal(err)
			}
			const n = 10000
			sent, err := sender.Send(t.Context(), 0, n)
			skipIfCannot(t, err)
			if err != nil {
				t.Fatal(err)
			}
			after, err := target.Dropped()
			if err != nil {
				t.Fatal(err)
			}
			if after-before != n {
				t.Errorf("the kernel dropped %d of %d packets", after-before, n)
			}
			t.Logf("%v a packet", sent.CPU/n)
		})
	}
}

func newTarget(t *testing.T, f *Lab, s Scenario) *Target {
	t.Helper()
	target, err := s.Prepare(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := target.Close(); err != nil {
			t.Error(err)
		}
	})
	return target
}

func newLab(t *testing.T) *Lab {
	t.Helper()
	needs.Root(t)
	f, err := NewLab(t.Context())
	skipIfCannot(t, err)
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func skipIfCannot(t *testing.T, err error) {
	t.Helper()
	needs.Able(t, err, ErrCannot)
}
