// SPDX-License-Identifier: Apache-2.0

package state

import "time"

const (
	// seconds is how many of them are kept apart.
	seconds = 60
	// parts is into how many parts a second is divided, so that the rate of the last
	// second is known at any time.
	parts = 8
)

// recent counts by the parts of the last seconds of the clock.
type recent struct {
	last  int64 // the newest part
	count [seconds * parts]uint64
}

// partOf numbers the parts from 1970 on.
func partOf(t time.Time) int64 {
	return t.Unix()*parts + int64(t.Nanosecond())*parts/int64(time.Second)
}

func (r *recent) add(t time.Time, n uint64) {
	part := partOf(t)
	if part > r.last {
		for p := max(r.last+1, part-seconds*parts+1); p <= part; p++ {
			*r.at(p) = 0
		}
		r.last = part
	}
	if r.holds(part) {
		*r.at(part) += n
	}
}

func (r *recent) holds(part int64) bool {
	return part >= 0 && part <= r.last && part > r.last-seconds*parts
}

func (r *recent) at(part int64) *uint64 { return &r.count[part%(seconds*parts)] }

// until sums up the n parts that end with the part of t.
func (r *recent) until(t time.Time, n int64) uint64 {
	var sum uint64
	end := partOf(t)
	for part := end - n + 1; part <= end; part++ {
		if r.holds(part) {
			sum += *r.at(part)
		}
	}
	return sum
}

// bySecond are the counts of the seconds of the clock until that of t, which goes on.
func (r *recent) bySecond(t time.Time) []uint64 {
	counts := make([]uint64, seconds)
	first := (t.Unix() - seconds + 1) * parts
	for i := range int64(seconds * parts) {
		if r.holds(first + i) {
			counts[i/parts] += *r.at(first + i)
		}
	}
	return counts
}

// rate is how many a second there were until t, with count in all of a run's duration.
func (r *recent) rate(t time.Time, count uint64, duration time.Duration) Rate {
	ran := max(duration.Seconds(), 1)
	return Rate{
		Second: float64(r.until(t, parts)),
		Minute: float64(r.until(t, seconds*parts)) / min(ran, seconds),
		Run:    float64(count) / ran,
	}
}
