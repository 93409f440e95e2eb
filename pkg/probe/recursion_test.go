// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"io"
	"testing"
	"time"
)

type closer func()

func (c closer) Close() error { c(); return nil }

// fakeSecondProgram is one whose second program is there or not.
func fakeSecondProgram(missed *uint64) (s *secondProgram, attached *bool) {
	attached = new(bool)
	attach := func() (io.Closer, error) {
		*attached = true
		return closer(func() { *attached = false }), nil
	}
	s = &secondProgram{attach: attach, missed: func() (uint64, error) { return *missed, nil }}
	s.link, _ = attach()
	return s, attached
}

func TestSecondProgram(t *testing.T) {
	type tick struct {
		at              time.Duration
		flood           bool
		missed, counted uint64
		want            bool
	}
	const second = time.Second
	for name, ticks := range map[string][]tick{
		"stays in a short flood":     {{0, true, 0, 0, true}, {second / 2, true, 0, 0, true}, {second, false, 0, 0, true}, {3 * second, true, 0, 0, true}},
		"rests in a long one":        {{0, true, 0, 0, true}, {2 * second, true, 0, 0, false}, {3 * second, true, 0, 0, false}, {4 * second, false, 0, 0, true}},
		"rests again":                {{0, true, 0, 0, true}, {2 * second, true, 0, 0, false}, {3 * second, false, 0, 0, true}, {4 * second, true, 0, 0, true}, {6 * second, true, 0, 0, false}},
		"stays if it was of use":     {{0, true, 9, 9, true}, {2 * second, true, 9, 9, true}, {9 * second, true, 9, 9, true}},
		"is called back, and stays":  {{0, true, 0, 0, true}, {2 * second, true, 0, 0, false}, {3 * second, true, 5, 0, true}, {9 * second, true, 5, 0, true}},
		"is not called by the past":  {{0, true, 7, 0, true}, {2 * second, true, 7, 0, false}, {3 * second, true, 7, 0, false}},
		"has no need of a long calm": {{0, false, 0, 0, true}, {9 * second, false, 0, 0, true}},
	} {
		t.Run(name, func(t *testing.T) {
			var missed uint64
			s, attached := fakeSecondProgram(&missed)
			for _, tick := range ticks {
				missed = tick.missed
				counted := func() (uint64, error) { return tick.counted, nil }
				if err := s.update(time.Unix(1000, 0).Add(tick.at), tick.flood, counted); err != nil {
					t.Fatal(err)
				}
				if *attached != tick.want {
					t.Fatalf("at %v attached is %v", tick.at, *attached)
				}
			}
		})
	}
}

func TestLostIsNeverLessThanNothing(t *testing.T) {
	for _, test := range []struct{ uncounted, rescued, missed, want uint64 }{
		{3, 2, 7, 8}, {3, 7, 7, 3}, {3, 8, 7, 3},
	} {
		s := [bpfStatSTAT_MAX]uint64{bpfStatSTAT_LOST: test.uncounted, bpfStatSTAT_SECOND_PROGRAM: test.rescued}
		if got := lost(&s, test.missed); got != test.want {
			t.Errorf("%+v: got %d", test, got)
		}
	}
}
