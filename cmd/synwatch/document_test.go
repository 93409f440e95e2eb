// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/needs"
)

var update = flag.Bool("update", false, "rewrite the documents that are made from the code")

// checkDocumentFile demands that a file of docs is what the code makes of it.
func checkDocumentFile(t *testing.T, name, want string) {
	t.Helper()
	path := filepath.Join("../../docs", name)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	needs.Source(t, path)
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is out of date; go generate ./cmd/synwatch rewrites it (-want +got):\n%s", path, diff)
	}
}
