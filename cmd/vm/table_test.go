// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A cell that was exact and is unseen fails the matrix, which leaves the table as it
// is until that is accepted.
func TestARegressionFailsTheMatrix(t *testing.T) {
	dir := t.TempDir()
	log, table := filepath.Join(dir, "6.1.log"), filepath.Join(dir, "kernels.md")
	matrix := func(report string, flags ...string) error {
		t.Helper()
		if err := os.WriteFile(log, []byte("matrix: "+report+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := newMatrix()
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		cmd.SetArgs(append([]string{"--include", log, "--table", table}, flags...))
		return cmd.Execute()
	}
	read := func() string {
		t.Helper()
		text, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const exact = `{"kernel":"6.1.0-56","cause":"stray-ack","family":"v4","status":"exact"}`
	const unseen = `{"kernel":"6.1.0-57","cause":"stray-ack","family":"v4","status":"unseen","why":"no hook"}`
	if err := matrix(exact); err != nil {
		t.Fatal(err)
	}
	before := read()
	if err := matrix(exact, "--against", table); err != nil || read() != before {
		t.Errorf("the same results: %v", err)
	}
	var status exitStatus
	if err := matrix(unseen, "--against", table); !errors.As(err, &status) || status != 1 {
		t.Errorf("a regression: %v", err)
	}
	if read() != before {
		t.Error("a table with a regression was written")
	}
	if err := matrix(unseen, "--against", table, "--accept"); err != nil || read() == before {
		t.Errorf("an accepted regression: %v", err)
	}
}
