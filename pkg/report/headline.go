// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"

	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/text"
)

// Point is one point of the headline.
type Point struct{ Label, Words string }

// Title says in a line what there was.
func (r *Report) Title() string {
	if r.Drops == 0 {
		return "No drops on " + r.Where()
	}
	title := fmt.Sprintf("%s on %s", counted(r.Drops, "drop"), r.Where())
	if main := r.main(); main != nil {
		title += ", " + share(main.Count, r.Drops) + " " + main.ID
	}
	return title
}

// Where is the host, or how many there are.
func (r *Report) Where() string {
	if r.Fleet() {
		return text.Count(len(r.Hosts), "host")
	}
	return strings.Join(r.Hosts, "")
}

// main is the cause with the most drops, nil for none.
func (r *Report) main() *Cause {
	if drops := r.dropCauses(); len(drops) > 0 {
		return &drops[0]
	}
	return nil
}

// Headline is what a reader needs who reads nothing else.
func (r *Report) Headline() []Point {
	points := []Point{{"When", fmt.Sprintf("%s (%s)", span(r.Begin, r.End), text.Duration(r.End.Sub(r.Begin)))}}
	if r.Growing() {
		points[0].Words += "; the capture still grows"
	}
	add := func(label, words string) {
		if words != "" {
			points = append(points, Point{label, words})
		}
	}
	add("Main cause", r.mainCause())
	add("Main source", r.mainSource())
	add("Do first", r.doFirst())
	add("Proof", r.proof())
	return points
}

func (r *Report) mainCause() string {
	main := r.main()
	if main == nil {
		return ""
	}
	return fmt.Sprintf("%s, %s of %s drops: %s", main.ID, group(main.Count), group(r.Drops), main.Meaning)
}

// mainSource is the range that most drops of the main cause came from, or its first source.
func (r *Report) mainSource() string {
	main := r.main()
	switch {
	case main == nil || len(main.Sources) == 0 && main.Range == nil:
		return ""
	case main.Range != nil:
		words := fmt.Sprintf("%s, %s of the %s, from %s", main.Range.Prefix, group(main.Range.Count), counted(main.Range.Of, "drop"), counted(main.Range.NumSources, "source"))
		return words + r.onHost(main.Range.Host)
	}
	first := main.Sources[0]
	words := fmt.Sprintf("%s, %s of the %s; no range covers most of them", address(first.Src), group(first.Count), counted(main.Count, "drop"))
	if main.NumSources == 1 {
		words = address(first.Src) + ", all " + counted(main.Count, "drop")
	}
	return words + r.onHost(first.Host)
}

// onHost names a host if there are several.
func (r *Report) onHost(host string) string {
	if !r.Fleet() {
		return ""
	}
	return ", on " + host
}

// doFirst is the first change of the worst finding, or what the catalogue says of the main
// cause.
func (r *Report) doFirst() string {
	for _, f := range r.Findings {
		if f.Severity == diagnose.Note || len(f.Changes) == 0 {
			continue
		}
		c := f.Changes[0]
		words := changeWords(&c)
		if c.If != "" {
			words = c.If + " If so: " + words
		}
		return text.Join("; ", f.Title+r.onHost(hostsWords(f.Hosts)), words)
	}
	if main := r.main(); main != nil {
		return main.Fix
	}
	return ""
}

// changeWords are what a change says to do.
func changeWords(c *diagnose.Change) string {
	if c.Sysctl != "" {
		return c.Sysctl + " = " + c.Value
	}
	return c.Do
}

// proof says whether anything was left out.
func (r *Report) proof() string {
	differ := 0
	for i := range r.Reconcile {
		if !r.Reconcile[i].Equal() {
			differ++
		}
	}
	var words string
	switch {
	case len(r.Reconcile) == 0:
		words = "none of the kernel's counters of these causes moved, or the capture does not have them"
	case differ == 0:
		words = fmt.Sprintf("all %s of the kernel's equal what was attributed", text.Count(len(r.Reconcile), "counter"))
	default:
		words = fmt.Sprintf("%d of %s of the kernel's differ from what was attributed", differ, text.Count(len(r.Reconcile), "counter"))
	}
	words += fmt.Sprintf("; %s lost, %s unattributed", group(r.Lost), group(r.Unattributed))
	if n := r.skipped(); n > 0 {
		words += "; " + text.Count(n, "line") + " of the capture could not be read"
	}
	return words
}

func (r *Report) skipped() (n uint64) {
	for _, c := range r.Captures {
		n += c.Skipped.Count
	}
	return n
}
