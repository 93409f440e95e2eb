// SPDX-License-Identifier: Apache-2.0

package diagnose

// Needs is what the rules of a trace look at beside what was counted: parts of Seen.
type Needs uint8

const (
	NeedsTable Needs = 1 << iota
	NeedsWaiting
	NeedsSurvey
)

// Has says whether it holds all of these.
func (n Needs) Has(of Needs) bool { return n&of == of }

// NeedsOf is what the rules need that are about a cause.
func NeedsOf(cause string) Needs {
	var n Needs
	for i := range rules {
		if rules[i].Scope == Trace && rules[i].about(cause, 0) {
			n |= rules[i].Needs
		}
	}
	return n
}
