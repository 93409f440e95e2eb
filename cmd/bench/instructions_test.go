// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// written is what bench --json writes of one load, to which synwatch adds so many
// instructions.
func written(t *testing.T, version string, added int) string {
	t.Helper()
	row := func(contender string, packet, added int) string {
		return fmt.Sprintf(`{"kernel":"6.12","package":"linux-image %s","scenario":"clean","contender":"%s","unit":"instructions","packet":%d,"added":%d}
`, version, contender, packet, added)
	}
	file := filepath.Join(t.TempDir(), "6.12.log")
	if err := os.WriteFile(file, []byte(row("untraced", 1000, 0)+row("synwatch", 1000+added, added)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestInstructions accepts a table, and has it fail what costs more on the same
// package of the kernel.
func TestInstructions(t *testing.T) {
	document := filepath.Join(t.TempDir(), "bench.md")
	empty := "<!-- Made by make instructions ACCEPT=1. Do not edit. -->\n<!-- End of what make instructions made. -->\n"
	if err := os.WriteFile(document, []byte(empty), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func() string {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, tt := range []struct {
		name    string
		version string
		added   int
		accept  bool
		says    string
		fails   bool
	}{
		{"no table", "1", 100, false, "has no kernel 6.12", false},
		{"the first", "1", 100, true, "+100", false},
		{"as before", "1", 109, false, "+109", false},
		{"more", "1", 120, false, "GROWN: clean on 6.12", true},
		{"more, of another version", "2", 120, false, "has 6.12 of linux-image 1", false},
		{"more, accepted", "1", 120, true, "GROWN: clean on 6.12", false},
		{"as accepted", "1", 120, false, "+120", false},
	} {
		before := read()
		args := []string{"--table", document, written(t, tt.version, tt.added)}
		if tt.accept {
			args = append(args, "--accept")
		}
		var out strings.Builder
		cmd := newInstructions()
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetOut(&out)
		cmd.SetArgs(args)
		if err := cmd.Execute(); (err != nil) != tt.fails {
			t.Errorf("%s: %v", tt.name, err)
		}
		if !strings.Contains(out.String(), tt.says) {
			t.Errorf("%s: no %q in\n%s", tt.name, tt.says, out.String())
		}
		if changed := read() != before; changed != tt.accept {
			t.Errorf("%s: the document has changed: %v", tt.name, changed)
		}
	}
}

// TestInstructionsOfNothing wants a run that wrote nothing, or half, to fail.
func TestInstructionsOfNothing(t *testing.T) {
	file := written(t, "1", 1)
	if err := os.Truncate(file, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := readCounted(file); err == nil {
		t.Error("no error for an empty file")
	}
	file = written(t, "1", 1)
	if err := os.Truncate(file, 20); err != nil {
		t.Fatal(err)
	}
	if _, err := readCounted(file); err == nil {
		t.Error("no error for half a line")
	}
}
