// SPDX-License-Identifier: Apache-2.0

package diagnose

import "fmt"

// traceRangeRules are about what no rule before found anything of.
var traceRangeRules = []Rule{
	{
		ID: "traced-one-range", Scope: Trace,
		When:  "at least four fifths of the drops of a cause of which no other rule found anything, and at least 100 drops, are of one range or one client",
		Means: "the kernel refuses this range's clients, and few others",
		Find:  tracedRange,
	},
}

// rangeLeast is how many drops of any cause a finding about a range needs.
const rangeLeast = 100

func tracedRange(f *Facts) *Finding {
	t := f.Tally
	if t.Count < rangeLeast || t.mostlyFrom() == "" {
		return nil
	}
	return &Finding{
		Severity: Warning, Title: fmt.Sprintf("%s is mostly of %s", t.Cause.ID, t.mostlyFrom()), Evidence: t.tallyEvidence(),
		Changes: []Change{do(t.Cause.Fix, t.Cause.Meaning)},
	}
}
