// SPDX-License-Identifier: Apache-2.0

package screen

import "time"

// paceOver is over how many seconds the rate that is shown is taken. Of drops that go on a
// run has a record about each second, so that a single second holds none, one or two.
const paceOver = 5

// pace is how many a second there were of late: recent are the counts of the last seconds
// of the clock, the newest that of now, which goes on.
func pace(recent []uint64, now time.Time, ran time.Duration) float64 {
	var sum uint64
	for _, n := range recent[max(len(recent)-paceOver-1, 0):] {
		sum += n
	}
	over := paceOver + time.Duration(now.Nanosecond()).Seconds()
	return float64(sum) / min(over, max(ran.Seconds(), 1))
}
