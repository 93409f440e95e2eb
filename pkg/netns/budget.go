// SPDX-License-Identifier: Apache-2.0

package netns

import "time"

// budgetShare is the part of the time that work within a budget may take: one in so
// many.
const budgetShare = 20

// budget bounds the time that some work takes.
type budget struct {
	// burst is how much may be taken at once.
	burst time.Duration
	owed  time.Duration
	at    time.Time
}

// fair says whether there is time left.
func (b *budget) fair(now time.Time) bool {
	if passed := now.Sub(b.at); passed > 0 {
		b.owed = max(0, b.owed-passed/budgetShare)
		b.at = now
	}
	return b.owed <= b.burst
}

// spend notes that work began and ended.
func (b *budget) spend(began, ended time.Time) { b.owed += ended.Sub(began) }
