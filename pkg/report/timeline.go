// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
)

const (
	// maxSteps is how many steps of time a report has, and maxSeries how many causes
	// are told apart over time: as many as there are colours to tell them by.
	maxSteps  = 480
	maxSeries = 6
)

// Timeline is drops over time of all captures.
type Timeline struct {
	Begin time.Time
	Step  time.Duration
	// Steps is how many there are.
	Steps  int
	Series []Series
	// Others are those of which the last of Series is the sum, if it has no cause.
	Others []Series
}

// Series is the drops of a cause in each step, or, without one, those of all others.
type Series struct {
	Cause  *cause.Cause
	Counts []uint64
	Total  uint64
}

// Name is the cause's, or "other causes".
func (s *Series) Name() string {
	if s.Cause == nil {
		return "other causes"
	}
	return s.Cause.ID
}

// mergeTimelines makes one timeline of steps that are as long as the longest, and longer if
// there would be too many. A drop counts for the step in which its own one begins.
func mergeTimelines(captures []Capture) Timeline {
	var t Timeline
	var end time.Time
	for i := range captures {
		of := &captures[i].Snapshot.Timeline
		if of.Step <= 0 || len(of.ByCause) == 0 {
			continue
		}
		if t.Begin.IsZero() || of.Begin.Before(t.Begin) {
			t.Begin = of.Begin
		}
		t.Step = max(t.Step, of.Step)
		for _, counts := range of.ByCause {
			if last := of.Begin.Add(of.Step * time.Duration(len(counts))); last.After(end) {
				end = last
			}
		}
	}
	if t.Step == 0 {
		return t
	}
	t.Steps = steps(end.Sub(t.Begin), t.Step)
	if t.Steps > maxSteps {
		t.Step *= time.Duration((t.Steps + maxSteps - 1) / maxSteps)
		t.Steps = steps(end.Sub(t.Begin), t.Step)
	}
	for i := range captures {
		t.add(&captures[i])
	}
	t.order()
	return t
}

// steps is how many of them cover a time, at least one.
func steps(of, step time.Duration) int { return max(int((of+step-1)/step), 1) }

func (t *Timeline) add(c *Capture) {
	of := &c.Snapshot.Timeline
	for what, counts := range of.ByCause {
		if what.Kind != cause.Drop {
			continue
		}
		s := t.series(what)
		for i, n := range counts {
			at := int(of.Begin.Add(of.Step*time.Duration(i)).Sub(t.Begin) / t.Step)
			s.Counts[min(at, t.Steps-1)] += n
			s.Total += n
		}
	}
}

func (t *Timeline) series(of *cause.Cause) *Series {
	for i := range t.Series {
		if t.Series[i].Cause.ID == of.ID {
			return &t.Series[i]
		}
	}
	t.Series = append(t.Series, Series{Cause: of, Counts: make([]uint64, t.Steps)})
	return &t.Series[len(t.Series)-1]
}

// order puts the causes with the most first and makes one of the least.
func (t *Timeline) order() {
	t.Series = slices.DeleteFunc(t.Series, func(s Series) bool { return s.Total == 0 })
	slices.SortFunc(t.Series, func(a, b Series) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Cause.ID, b.Cause.ID))
	})
	if len(t.Series) <= maxSeries+1 {
		return
	}
	others := Series{Counts: make([]uint64, t.Steps)}
	t.Others = t.Series[maxSeries:]
	for i := range t.Others {
		others.add(&t.Others[i])
	}
	t.Series = append(t.Series[:maxSeries:maxSeries], others)
}

func (s *Series) add(o *Series) {
	for i, n := range o.Counts {
		s.Counts[i] += n
	}
	s.Total += o.Total
}

// Coarser is the timeline in at most so many steps.
func (t *Timeline) Coarser(most int) Timeline {
	by := (t.Steps + most - 1) / most
	if by <= 1 {
		return *t
	}
	c := Timeline{Begin: t.Begin, Step: t.Step * time.Duration(by), Steps: (t.Steps + by - 1) / by}
	for i := range t.Series {
		c.Series = append(c.Series, Series{t.Series[i].Cause, t.Series[i].coarser(by), t.Series[i].Total})
	}
	return c
}

// coarser joins so many steps each.
func (s *Series) coarser(by int) []uint64 {
	counts := make([]uint64, (len(s.Counts)+by-1)/by)
	for i, n := range s.Counts {
		counts[i/by] += n
	}
	return counts
}

// Peak is the step with the most drops, and how many these are.
func (t *Timeline) Peak() (step int, drops uint64) {
	for i := range t.Steps {
		sum := uint64(0)
		for _, s := range t.Series {
			sum += s.Counts[i]
		}
		if sum > drops {
			step, drops = i, sum
		}
	}
	return step, drops
}
