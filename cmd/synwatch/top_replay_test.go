// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/capture"
)

func TestTopSaysWhatIsWrongWithACapture(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, want := range map[string]string{
		filepath.Join(dir, "none"): "no such file",
		dir:                        "is a directory",
		"/dev/null":                "cannot be read twice",
		file("empty", ""):          "no line of it",
		file("text", "hello\n"):    "no line of it",
		file("new", "{\"type\":\"start\",\"schema\":9}\n"): "schema 9",
		file("cut.gz", "\x1f\x8b\x08\x00"):                 "cut.gz",
		file("line\nfeed", "{}\n") + "\x1b[2J":             "no such file",
	} {
		switch err := checkCaptures([]string{capture.Stdin, name}); {
		case err == nil:
			t.Errorf("%q: no error", name)
		case !strings.Contains(err.Error(), want):
			t.Errorf("%q: got %v, want %q", name, err, want)
		}
	}
	if err := checkCaptures([]string{smallCapture}); err != nil {
		t.Error(err)
	}
}

func TestTopWantsWhatFitsACapture(t *testing.T) {
	for args, want := range map[string]string{
		"top --port 443 x.json":          "/ shows a part",
		"top --duration 1s x.json":       "--duration",
		"top --speed 2":                  "name its file",
		"top --speed 0 x.json":           "from 0.0625 to 4096",
		"top --speed fast x.json":        "from 0.0625 to 4096",
		"top --speed 1e9 x.json":         "from 0.0625 to 4096",
		"top --speed nan x.json":         "from 0.0625 to 4096",
		"top --speed 4 --no-sync x.json": "use synwatch trace", // it is no terminal
	} {
		r := command(t, newFake(), strings.Fields(args)...)
		if r.status != exitUsage || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: status %d: %s", args, r.status, r.stderr)
		}
	}
}

// smallCapture is of synwatch demo on a kernel that shows every cause.
const smallCapture = "testdata/top.ndjson"
