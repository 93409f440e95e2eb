// SPDX-License-Identifier: Apache-2.0

package proc

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReaderReadsAll(t *testing.T) {
	long := strings.Repeat("0123456789", 10_000)
	dir := t.TempDir()
	var files Reader
	for name, want := range map[string]string{"long": long, "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := files.Read(filepath.Join(dir, name)); got != want || err != nil {
			t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(want), err)
		}
	}
	if _, err := files.Read(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := files.Read(dir); err == nil {
		t.Error("a directory is read")
	}
}
