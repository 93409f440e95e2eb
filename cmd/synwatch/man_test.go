// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/synwatch/synwatch/pkg/man"
	"github.com/synwatch/synwatch/pkg/needs"
)

// writePages writes the manual pages as of a date.
func writePages(t *testing.T, epoch string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "man")
	var stdout, stderr bytes.Buffer
	e := fakeEnv(newFake(), &stdout, &stderr)
	e.environ = []string{"SOURCE_DATE_EPOCH=" + epoch}
	if status := run(t.Context(), e, []string{"man", dir}); status != exitFine || stdout.Len()+stderr.Len() > 0 {
		t.Fatalf("status %d: %s%s", status, &stdout, &stderr)
	}
	return dir
}

// TestManHasEachCommandAndFlag, with what the help says of it.
func TestManHasEachCommandAndFlag(t *testing.T) {
	dir := writePages(t, "1700000000")
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		text, err := os.ReadFile(filepath.Join(dir, man.Name(cmd)+".1"))
		if err != nil {
			t.Error(err)
			return
		}
		for _, want := range []string{` 2023-11-14 "synwatch `, ".SH \"NAME\"\n", ".SH \"DESCRIPTION\"\n", ".SH \"OPTIONS\"\n", ".SH \"SEE ALSO\"\n"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: no %s", cmd.CommandPath(), want)
			}
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			kind, _ := pflag.UnquoteUsage(f)
			want := `\fB\-\-` + strings.ReplaceAll(f.Name, "-", `\-`) + `\fP`
			if kind != "" {
				want += ` \fI` + kind + `\fP`
			}
			if strings.Contains(string(text), want+"\n") == f.Hidden {
				t.Errorf("%s: %s is there: %v", cmd.CommandPath(), want, f.Hidden)
			}
		})
		for _, sub := range cmd.Commands() {
			if !sub.Hidden && sub.Name() != "help" {
				if !strings.Contains(string(text), `\fB`+sub.Name()+`\fP`+"\n") {
					t.Errorf("%s: does not list %s", cmd.CommandPath(), sub.Name())
				}
				visit(sub)
			}
		}
	}
	visit(newRoot(fakeEnv(newFake(), nil, nil)))
}

// TestManIsReproducible: the date is that of the sources.
func TestManIsReproducible(t *testing.T) {
	read := func(dir string) string {
		text, err := os.ReadFile(filepath.Join(dir, "synwatch-trace.1"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first := read(writePages(t, "1700000000"))
	if read(writePages(t, "1700000000")) != first || read(writePages(t, "1600000000")) == first {
		t.Error("the page does not depend on the date alone")
	}
	var stderr bytes.Buffer
	e := fakeEnv(newFake(), &stderr, &stderr)
	e.environ = []string{"SOURCE_DATE_EPOCH=soon"}
	if status := run(t.Context(), e, []string{"man", t.TempDir()}); status != exitUsage || !strings.Contains(stderr.String(), `"soon": must be a number`) {
		t.Errorf("status %d: %s", status, &stderr)
	}
}

// TestManIsSound: the formatters have nothing to say about the pages.
func TestManIsSound(t *testing.T) {
	for formatter, args := range map[string][]string{
		"groff": {"-man", "-ww", "-z", "-rCHECKSTYLE=3"}, "mandoc": {"-T", "lint", "-W", "warning"},
	} {
		t.Run(formatter, func(t *testing.T) {
			needs.Program(t, formatter)
			pages, err := filepath.Glob(filepath.Join(writePages(t, "1700000000"), "*.1"))
			if err != nil || len(pages) < 5 {
				t.Fatalf("%q, %v", pages, err)
			}
			for _, page := range pages {
				if out, err := exec.Command(formatter, append(args, page)...).CombinedOutput(); err != nil || len(out) > 0 {
					t.Errorf("%s: %v\n%s", filepath.Base(page), err, out)
				}
			}
		})
	}
}
