// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/synwatch/synwatch/pkg/vm"
)

// conclude shows the table, says what failed and what has become worse, and writes
// the table if nothing did.
func (m *matrix) conclude(earlier *vm.Document, table *vm.Table, runs []*matrixRun) error {
	showTable(table)
	failed := table.Failed()
	for _, r := range runs {
		result := "ok"
		if r.failure != "" {
			result, failed = "FAIL: "+r.failure, true
		}
		fmt.Printf("%-11s %6s  %s\n", r.column.Name, r.took.Round(time.Second), result)
	}
	showFailures(runs)
	regressed := m.regressions(earlier, table)
	for _, r := range regressed {
		fmt.Println("REGRESSION:", r)
	}
	if len(regressed) > 0 && !m.accept {
		failed = true
	}
	if m.table != "" && (m.against == "" || !failed) {
		if err := writeTable(m.table, table); err != nil {
			return err
		}
	}
	if failed {
		return exitStatus(1)
	}
	return nil
}

// maxFailures is how many lines of a run's failures are shown once more at the end.
const maxFailures = 15

// showFailures repeats behind the table what failed: in a long log nobody finds it.
func showFailures(runs []*matrixRun) {
	for _, r := range runs {
		shown := r.failures[:min(len(r.failures), maxFailures)]
		for _, line := range shown {
			fmt.Printf("%s: %s\n", r.column.Name, line)
		}
		if more := len(r.failures) - len(shown); more > 0 {
			fmt.Printf("%s: and %d more lines\n", r.column.Name, more)
		}
	}
}

// earlier reads the table to compare with.
func (m *matrix) earlier() (*vm.Document, error) {
	if m.against == "" {
		return nil, nil
	}
	f, err := os.Open(m.against)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d, err := vm.ParseDocument(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.against, err)
	}
	return d, nil
}

// regressions names what has become worse: cells, and the kernels that the table
// would lose if it took the place of the earlier one.
func (m *matrix) regressions(earlier *vm.Document, table *vm.Table) []string {
	if earlier == nil {
		return nil
	}
	lost := table.Regressions(earlier)
	if m.table == m.against {
		for _, name := range table.MissingColumns(earlier) {
			lost = append(lost, fmt.Sprintf("%s is in %s and was not run", name, m.against))
		}
	}
	return lost
}

func showTable(table *vm.Table) {
	if !table.Empty() {
		fmt.Println()
		table.WriteText(os.Stdout)
		fmt.Println()
	}
}

func writeTable(file string, table *vm.Table) error {
	var b bytes.Buffer
	table.WriteMarkdown(&b)
	return os.WriteFile(file, b.Bytes(), 0o644)
}
