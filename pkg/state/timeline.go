// SPDX-License-Identifier: Apache-2.0

package state

import (
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
)

const (
	// maxSteps bounds the steps of a timeline.
	maxSteps = 512
	// shortest is the step of a run's first minutes.
	shortest = time.Second
)

// timeline divides a run into steps, the same for all series.
type timeline struct {
	begin  time.Time
	double uint // how often the step was doubled
	series []*[]uint64
}

// stepOf is the number of the step that t is in, which has no bound; what is said to be
// before the run is in its first.
func (l *timeline) stepOf(t time.Time) int {
	return max(int(t.Sub(l.begin)/shortest)>>l.double, 0)
}

func (l *timeline) add(counts *[]uint64, t time.Time, n uint64) {
	for l.stepOf(t) >= maxSteps {
		l.double++
		for _, s := range l.series {
			*s = halved(*s)
		}
	}
	step := l.stepOf(t)
	for len(*counts) <= step {
		*counts = append(*counts, 0)
	}
	(*counts)[step] += n
}

// halved joins each two steps.
func halved(counts []uint64) []uint64 {
	for i := range (len(counts) + 1) / 2 {
		sum := counts[2*i]
		if 2*i+1 < len(counts) {
			sum += counts[2*i+1]
		}
		counts[i] = sum
	}
	return counts[:(len(counts)+1)/2]
}

// until is the timeline of these causes, to which no drops may have come for long before t.
func (l *timeline) until(t time.Time, causes map[string]*causeState) Timeline {
	whole := *l
	for whole.stepOf(t) >= maxSteps {
		whole.double++
	}
	byCause := map[*cause.Cause][]uint64{}
	for _, c := range causes {
		if c.cause.Kind != cause.Drop {
			continue
		}
		counts := slices.Clone(c.steps)
		for range whole.double - l.double {
			counts = halved(counts)
		}
		byCause[c.cause] = append(counts, make([]uint64, whole.stepOf(t)+1-len(counts))...)
	}
	return Timeline{Begin: l.begin, Step: shortest << whole.double, ByCause: byCause}
}
