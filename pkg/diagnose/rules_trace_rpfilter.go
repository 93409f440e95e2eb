// SPDX-License-Identifier: Apache-2.0

package diagnose

import "fmt"

// tracedReversePath names the interface that the newest packet came in on.
func tracedReversePath(f *Facts) *Finding {
	t := f.Tally
	x := &Finding{Severity: Note, Title: "packets were dropped by the reverse path filter", Evidence: t.tallyEvidence()}
	if t.Count >= rangeLeast {
		x.Severity = Warning
	}
	if who := t.mostlyFrom(); who != "" {
		x.Title += ", mostly of " + who
	}
	x.Changes = []Change{do("add the route back by the interface that they come in on, if they are real clients", t.Cause.Meaning)}
	name := t.Answer.Interface
	if name == "" {
		return x
	}
	x.Evidence = append(x.Evidence, Evidence{What: "interface of the newest", Value: name})
	x.Changes = append(x.Changes, set(rpKey(name), rpLoose, "loose: any route back will do").
		ask(fmt.Sprintf("is another way back to them meant, and is the filter of %s strict (the larger of net.ipv4.conf.all.rp_filter and its own is 1)?", name)))
	return x
}
