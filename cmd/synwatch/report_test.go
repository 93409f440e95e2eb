// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	startLine   = `{"type":"start","schema":1,"time":"2026-03-01T12:00:00Z","version":"v1","host":%q,"kernel":"6.12","hooks":[],"blind":[],"netns":7}` + "\n"
	dropLine    = `{"type":"drop","time":"2026-03-01T12:00:0%d.5Z","cause":"accept-queue-full","stage":"syn","count":3,"src":"10.9.0.5","src_port":5,"dst":"10.0.0.1","dst_port":443,"netns":7,"hook":"kfree_skb","reason":"","listener":{"port":443,"pid":812,"comm":"nginx"},"evidence":{"accept_queue":129,"accept_queue_max":128,"somaxconn":4096}}` + "\n"
	summaryLine = `{"type":"summary","time":"2026-03-01T12:00:10Z","duration_s":10,"drops":%d,"notices":0,"lost":0,"unattributed":0,"causes":[],"reconcile":[{"netns":7,"counter":"TcpExtListenOverflows","kernel":6,"attributed":6}]}` + "\n"
)

// outageOn is a capture of a host with six drops.
func outageOn(host string) string {
	return fmt.Sprintf(startLine, host) + fmt.Sprintf(dropLine, 1) + fmt.Sprintf(dropLine, 2) + fmt.Sprintf(summaryLine, 6)
}

// captureFile writes a capture, compressed by its name.
func captureFile(t *testing.T, path, text string) string {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch filepath.Ext(path) {
	case ".gz":
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(text))
		err = w.Close()
	case ".zst":
		var w *zstd.Encoder
		if w, err = zstd.NewWriter(&b); err == nil {
			_, _ = w.Write([]byte(text))
			err = w.Close()
		}
	default:
		b.WriteString(text)
	}
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// onlyFiles demands that a directory has these files and no others, such as temporary ones.
func onlyFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != strings.Join(want, " ") {
		t.Errorf("there are %s, want %q", got, want)
	}
}

func TestReportForms(t *testing.T) {
	dir := t.TempDir()
	file := captureFile(t, filepath.Join(dir, "web1.json"), outageOn("web1"))
	page, words := filepath.Join(dir, "a.html"), filepath.Join(dir, "a.md")
	const text, html = "6 drops on web1, 100 % accept-queue-full\n", "<!DOCTYPE html>"
	for _, test := range []struct{ args, stdout, stderr, html, words string }{
		{"", text, "", "", ""},
		{"--markdown", "6 drops on web1", "", "", ""},
		{"--html " + page, "", "synwatch: wrote " + page + "\n", html, ""},
		{"--html -", html, "", "", ""},
		{"--html " + page + " --markdown", "6 drops on web1", "synwatch: wrote " + page + "\n", html, ""},
		{"-o " + words, "", "synwatch: wrote " + words + "\n", "", text},
		{"--html " + page + " --markdown -o " + words, "", "synwatch: wrote " + page + "\nsynwatch: wrote " + words + "\n", html, "6 drops on web1"},
	} {
		got := command(t, newFake(), append([]string{"report", file}, strings.Fields(test.args)...)...)
		if got.status != exitFine || got.stderr != test.stderr || !strings.HasPrefix(strings.TrimPrefix(got.stdout, "## "), test.stdout) || test.stdout == "" && got.stdout != "" {
			t.Errorf("%s: status %d, %.100q, %q", test.args, got.status, got.stdout, got.stderr)
		}
		for path, want := range map[string]string{page: test.html, words: test.words} {
			b, err := os.ReadFile(path)
			if want == "" != os.IsNotExist(err) || !strings.HasPrefix(strings.TrimPrefix(string(b), "## "), want) {
				t.Errorf("%s: %s: %v, %.100q", test.args, path, err, b)
			}
			_ = os.Remove(path)
		}
		onlyFiles(t, dir, "web1.json")
	}
}

// Hosts are told apart, whatever their captures are compressed with, and what is there twice
// counts once.
func TestReportOfAFleet(t *testing.T) {
	dir := t.TempDir()
	args := []string{"report"}
	for i, name := range []string{"a.json", "b.json.gz", "c.json.zst"} {
		args = append(args, captureFile(t, filepath.Join(dir, name), outageOn(fmt.Sprint("web", i))))
	}
	args = append(args, captureFile(t, filepath.Join(dir, "d.json.gz"), outageOn("web0")))
	got := command(t, newFake(), args...)
	for _, want := range []string{"18 drops on 3 hosts, 100 % accept-queue-full\n", "HOST", "web0", "web1", "web2"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in:\n%s", want, got.stdout)
		}
	}
	if want := "synwatch: given twice and read once: " + dir + "/d.json.gz\n"; got.status != exitFine || got.stderr != want {
		t.Errorf("status %d, %q, want %q", got.status, got.stderr, want)
	}
}

// A file to which runs were appended has the drops of all, also where only their summaries
// tell of them.
func TestReportOfSeveralRunsInOneFile(t *testing.T) {
	quiet := fmt.Sprintf(startLine, "web1") + fmt.Sprintf(summaryLine, 6)
	next := func(run string, minute int) string {
		return strings.ReplaceAll(run, "T12:00", fmt.Sprintf("T12:%02d", minute))
	}
	file := captureFile(t, filepath.Join(t.TempDir(), "a.json"), outageOn("web1")+next(quiet, 1)+next(quiet, 2)+next(outageOn("web1"), 3))
	got := command(t, newFake(), "report", file)
	if got.status != exitFine || got.stderr != "" || !strings.HasPrefix(got.stdout, "24 drops on web1, ") {
		t.Errorf("got %+v", got)
	}
}

// A capture whose end was lost, with the run or with its machine, says what its samples did.
func TestReportWithoutASummary(t *testing.T) {
	const sample = `{"type":"sample","time":"2026-03-01T12:00:05Z","lost":0,"unattributed":0,"missed":0,"merged":0,` +
		`"conntrack":[{"netns":7,"conntrack_count":262000,"conntrack_max":262144}],"reconcile":[{"netns":7,"counter":"TcpExtListenOverflows","kernel":6,"attributed":6}],` +
		`"findings":[{"id":"traced-x","severity":"critical","title":"nginx is slow","evidence":[],"means":"clients wait","changes":[{"do":"more workers"}]}]}` + "\n"
	text := fmt.Sprintf(startLine, "web1") + fmt.Sprintf(dropLine, 1) + fmt.Sprintf(dropLine, 2) + sample + fmt.Sprintf(dropLine, 3)[:70]
	got := command(t, newFake(), "report", "--html", "-", captureFile(t, filepath.Join(t.TempDir(), "a.json"), text))
	for _, want := range []string{
		"6 drops on web1", "nginx is slow; more workers", "all 1 counter of the kernel&#39;s equal", "262000", "ends without a summary, 1 line skipped",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q", want)
		}
	}
	if got.status != exitFine || !strings.Contains(got.stderr, "line 5 is left out") {
		t.Errorf("status %d, %s", got.status, got.stderr)
	}
}

func TestReportNamesWhatItLeavesOut(t *testing.T) {
	file := captureFile(t, filepath.Join(t.TempDir(), "a.json"), fmt.Sprintf(startLine, "web1")+"{broken\n"+fmt.Sprintf(dropLine, 1)+fmt.Sprintf(dropLine, 2)[:50])
	got := command(t, newFake(), "report", file)
	if got.status != exitFine || strings.Count(got.stderr, "\n") != 2 || !strings.HasPrefix(got.stderr, "synwatch: "+file+", line 2 is left out: ") ||
		!strings.Contains(got.stderr, ", line 4 is left out: ") || !strings.Contains(got.stdout, "3 drops on web1") || !strings.Contains(got.stdout, "Not read: 2 lines of "+file+": 2, 4\n") {
		t.Errorf("got %+v", got)
	}
	many := captureFile(t, file, fmt.Sprintf(startLine, "web1")+strings.Repeat("x\x1b[2J\n", 500))
	got = command(t, newFake(), "report", many)
	if got.status != exitFine || strings.Count(got.stderr, "\n") != maxNamed+1 || !strings.HasSuffix(got.stderr, ": 500 of 501 lines are left out\n") || strings.Contains(got.stdout+got.stderr, "\x1b") {
		t.Errorf("got %+v", got)
	}
}

// What cannot be made a report of is refused in one line, and what was there stays.
func TestReportRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string { return captureFile(t, filepath.Join(dir, name), text) }
	good, old := file("good", outageOn("web1")), file("old.html", "an old report")
	for name, test := range map[string]struct {
		args   []string
		status int
		want   string
	}{
		"schema":      {[]string{file("schema", strings.Replace(outageOn("web1"), `"schema":1`, `"schema":2`, 1))}, exitFailed, "schema 2"},
		"among them":  {[]string{good, filepath.Join(dir, "schema")}, exitFailed, "schema 2"},
		"no capture":  {[]string{file("words", "hello\n")}, exitFailed, "no line of it is of a capture"},
		"empty":       {[]string{file("empty", "")}, exitFailed, "no line of it is of a capture"},
		"standard":    {[]string{"-"}, exitFailed, "standard input: no line of it is of a capture"},
		"none":        {[]string{}, exitUsage, "needs a capture"},
		"missing":     {[]string{filepath.Join(dir, "none")}, exitUsage, "no such file"},
		"a directory": {[]string{dir}, exitUsage, "is a directory"},
		"twice":       {[]string{"-", "-"}, exitUsage, "can be read once"},
		"itself":      {[]string{good, "-o", good}, exitUsage, "is to be read"},
		"nowhere":     {[]string{good, "--markdown", "-o", dir + "/no/x"}, exitUsage, "no/x cannot be written: no such file"},
		"onto":        {[]string{good, "-o", dir}, exitUsage, "is a directory"},
		"one place":   {[]string{good, "-o", old}, exitUsage, "same place"},
		"colour":      {[]string{good, "--color", "pink"}, exitUsage, "auto, always or never"},
	} {
		got := command(t, newFake(), append([]string{"report", "--html", old}, test.args...)...)
		if got.status != test.status || got.stdout != "" || !strings.Contains(got.stderr, test.want) ||
			!strings.HasPrefix(got.stderr, "synwatch: ") {
			t.Errorf("%s: got %+v, want %d, %s", name, got, test.status, test.want)
		}
		if lines := strings.Count(got.stderr, "\n") - strings.Count(got.stderr, "is left out"); lines != 1 || readFile(t, old) != "an old report" {
			t.Errorf("%s: %q, and the report that was there is %.40q", name, got.stderr, readFile(t, old))
		}
	}
	if got := command(t, newFake(), "report", good, "-o", "/dev/full"); got.status != exitFailed || got.stderr != "synwatch: write /dev/full: no space left on device\n" {
		t.Errorf("a full disk: got %+v", got)
	}
	onlyFiles(t, dir, "empty", "good", "old.html", "schema", "words")
}

// A link stays one, and a file keeps its permissions.
func TestReportReplacesInPlace(t *testing.T) {
	dir := t.TempDir()
	file, page, link := captureFile(t, filepath.Join(dir, "a.json"), outageOn("web1")), filepath.Join(dir, "page"), filepath.Join(dir, "link")
	if err := os.WriteFile(page, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(page, link); err != nil {
		t.Fatal(err)
	}
	if got := command(t, newFake(), "report", file, "--html", link); got.status != exitFine {
		t.Fatalf("got %+v", got)
	}
	info, err := os.Lstat(page)
	if err != nil || info.Mode() != 0o640 || !strings.HasPrefix(readFile(t, page), "<!DOCTYPE") {
		t.Errorf("%v, %v", err, info)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link: %v, %v", err, info)
	}
}
