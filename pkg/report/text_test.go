// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/shell"
	"github.com/synwatch/synwatch/pkg/text"
	"github.com/synwatch/synwatch/pkg/text/texttest"
)

var update = flag.Bool("update", false, "write the files that the tests compare with")

// keepTypes are those in which no name is.
func keepTypes(t reflect.Type) bool {
	return slices.Contains([]reflect.Type{
		reflect.TypeFor[*cause.Cause](), reflect.TypeFor[netns.ID](), reflect.TypeFor[shell.Command](),
	}, t) || t.PkgPath() == "net/netip" || t.PkgPath() == "time"
}

func textOf(t testing.TB, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Text(&b, text.Palette{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func markdownOf(t testing.TB, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	for file, got := range map[string]string{
		"one.txt": textOf(t, outageReport(t)), "fleet.txt": textOf(t, fleetReport(t)),
		"one.md": markdownOf(t, outageReport(t)), "fleet.md": markdownOf(t, fleetReport(t)),
	} {
		path := filepath.Join("testdata", file)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func TestTextOfHostileNames(t *testing.T) {
	for _, name := range slices.Concat(hostileNames, texttest.Names) {
		s := outage(t, name)
		texttest.Fill(&s.Places[0].Answer, name, keepTypes)
		texttest.Fill(&s.Findings, name, keepTypes)
		texttest.Fill(&s.Reconcile, name, keepTypes)
		r := New(noon, name, []Capture{{File: name, Snapshot: s}})
		texttest.Check(t, textOf(t, r))
		texttest.Check(t, markdownOf(t, r))
	}
}

// Of a name Markdown makes nothing but the name.
func TestMarkdownOfHostileNames(t *testing.T) {
	for name, want := range map[string]string{
		"<script>": "&lt;script&gt;", "|a|": `\|a\|`, "`x`": "\\`x\\`", "[z](https://e.example)": `\[z\]\(https\://e.example\)`,
		"www.e.example": `www\.e.example`, "@all": `\@all`, "a\nb": `a\\nb`, "&lt;": "&amp;lt;", "*b* _i_ ~s~": `\*b\* \_i\_ \~s\~`,
		"plain-1.2": "plain-1.2",
	} {
		if got := markdown(name); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
	for name, want := range map[string]string{"id": "` id `", "a `b`": "`` a `b` ``", "``": "``` `` ```"} {
		if got := codeSpan(name); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
	s := outage(t, "|x\n|")
	for line := range strings.Lines(markdownOf(t, New(noon, "v", []Capture{{File: "f", Snapshot: s}, {File: "g", Snapshot: outage(t, "y|")}}))) {
		if strings.HasPrefix(line, "| ") && strings.Contains(strings.ReplaceAll(line, `\|`, ""), "| |") && !strings.HasSuffix(line, "|\n") {
			t.Errorf("a row breaks: %q", line)
		}
	}
}
