// SPDX-License-Identifier: Apache-2.0

// Package proctest makes what looks like /proc, for tests.
package proctest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Tree writes files below a new directory and returns it. A text "-> X" makes a
// link to X.
func Tree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if to, link := strings.CutPrefix(text, "-> "); link {
			err = os.Symlink(to, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
