// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Parts of a capture are read as one, and none of them twice.
func TestRuns(t *testing.T) {
	dir := t.TempDir()
	start := func(host, second, part string) string {
		return fmt.Sprintf(`{"type":"start","schema":1,"time":"2026-03-01T12:00:%sZ","version":"v","host":%q,"kernel":"k","hooks":[],"blind":[],"netns":7%s}`+"\n", second, host, part)
	}
	var paths []string
	for _, file := range []struct{ name, text string }{
		{"web1.2", start("web1", "00", `,"part":1`) + drop},
		{"web2", start("web2", "00", "") + drop},
		{"web1.1", start("web1", "00", "") + drop},
		{"web1.1.copy", start("web1", "00", "") + drop},
		{"later", start("web1", "30", "") + drop},
		{"headless", drop},
	} {
		path := filepath.Join(dir, file.name)
		if err := os.WriteFile(path, []byte(file.text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	runs, twice := Runs(append(paths, filepath.Join(dir, "headless"), "-"))
	want := [][]string{{dir + "/web1.1", dir + "/web1.2"}, {dir + "/web2"}, {dir + "/later"}, {dir + "/headless"}, {"-"}}
	if diff := cmp.Diff(want, runs); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{dir + "/web1.1.copy", dir + "/headless"}, twice); diff != "" {
		t.Errorf("twice (-want +got):\n%s", diff)
	}
}
