// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"slices"

	"github.com/synwatch/synwatch/pkg/stream"
)

// Runs puts files together that are parts of one capture, in their order. What is there
// twice, as a file and compressed, say, is returned apart.
func Runs(paths []string) (runs [][]string, twice []string) {
	var last stream.Start
	for _, path := range InOrder(paths) {
		start := beginning(path)
		switch same := !start.Time.IsZero() && sameRun(&start, &last); {
		case same && start.Part == last.Part, start.Time.IsZero() && slices.ContainsFunc(runs, func(run []string) bool { return slices.Contains(run, path) }):
			twice = append(twice, path)
		case same:
			runs[len(runs)-1] = append(runs[len(runs)-1], path)
		default:
			runs = append(runs, []string{path})
		}
		last = start
	}
	return runs, twice
}
