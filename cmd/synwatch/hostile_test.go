// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/survey"
	"github.com/synwatch/synwatch/pkg/text/texttest"
)

// hostileTree saves a machine with an interface and a sysctl file of this name,
// both of which deserve a finding.
func hostileTree(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	for path, content := range map[string]string{
		"proc/sys/net/ipv4/conf/" + name + "/rp_filter": "1\n",
		"proc/sys/net/ipv4/tcp_tw_recycle":              "1\n",
		"etc/sysctl.d/" + name + ".conf":                "net.ipv4.tcp_tw_recycle = 1\n",
		"proc/sys/kernel/hostname":                      name + "\n",
		"proc/net/netstat":                              "TcpExt: IPReversePathFilter PAWSPassive\nTcpExt: 99999 7\n",
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCheckOfHostileNames(t *testing.T) {
	for _, name := range texttest.Names {
		if strings.ContainsAny(name, "\x00") || name == ".." {
			continue // no file is called that
		}
		dir, dropin := hostileTree(t, name), filepath.Join(t.TempDir(), "zz.conf")
		got := command(t, newFake(), "check", "--root", dir, "--write-dropin", dropin)
		if got.status != exitCritical || !strings.Contains(got.stdout, "rp_filter") || !strings.Contains(got.stdout, "sed -i 1s/^/#/") && !strings.Contains(got.stdout, "sed -i '1s/^/#/'") {
			t.Errorf("%q: %+v", name, got)
		}
		written, err := os.ReadFile(dropin)
		if err != nil {
			t.Errorf("%q: %v", name, err)
		}
		for _, text := range []string{got.stdout, got.stderr, string(written)} {
			texttest.Check(t, text)
		}
		for line := range strings.Lines(string(written)) {
			if !strings.HasPrefix(line, "#") && line != "\n" && !strings.HasPrefix(line, "net.ipv4.") {
				t.Errorf("%q breaks out of a line of the drop-in file: %q", name, line)
			}
		}
	}
}

func TestCheckJSONGivesHostileNamesBack(t *testing.T) {
	for _, name := range texttest.Names {
		if strings.ContainsAny(name, "\x00") || name == ".." || !utf8.ValidString(name) {
			continue
		}
		got := command(t, newFake(), "check", "--json", "--root", hostileTree(t, name))
		texttest.Check(t, got.stdout)
		found := false
		for line := range strings.Lines(got.stdout) {
			var x struct {
				Evidence []struct{ What, Where string }
			}
			if err := json.Unmarshal([]byte(line), &x); err != nil {
				t.Fatal(err)
			}
			for _, e := range x.Evidence {
				found = found || e.Where == "/etc/sysctl.d/"+name+".conf:1"
			}
		}
		if !found {
			t.Errorf("no file %q in %s", name, got.stdout)
		}
	}
}

// Errors contain arguments of the command line and names of files.
func TestErrorsArePrintable(t *testing.T) {
	for _, name := range texttest.Names {
		if strings.ContainsAny(name, "\x00") {
			continue // no argument holds one
		}
		for _, args := range [][]string{
			{"check", "--root", "/none/x" + name}, {"trace", "--cause=" + name}, {"trace", "--" + name}, {name}, {"explain", "x" + name},
			{"trace", "--netns=x" + name}, {"conntrack", "-o", "/none/x" + name}, {"check", "--write-dropin=/none/x" + name + "/x"},
			{"conntrack", "--color=" + name}, {"hooks", "x" + name}, {"help", "x" + name},
		} {
			got := command(t, newFake(), args...)
			texttest.Check(t, got.stderr)
			if got.status == exitFine || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("%q: %+v", args, got)
			}
		}
	}
}

func TestHooksArePrintable(t *testing.T) {
	f := newFake()
	f.cov.Hooks = append(f.cov.Hooks, event.HookState{Name: "x", Status: event.Unavailable, Why: "no \x1b[2J"})
	var stdout, stderr bytes.Buffer
	e := fakeEnv(f, &stdout, &stderr)
	e.machine = func() (survey.Machine, error) { return survey.Machine{Name: "\x1b]0;x\x07", Kernel: "6\u202e"}, nil }
	if status := run(t.Context(), e, []string{"hooks"}); status != exitFine {
		t.Errorf("status %d", status)
	}
	texttest.Check(t, stdout.String())
	if !strings.Contains(stdout.String(), `no \x1b[2J`) {
		t.Error(stdout.String())
	}
}
