// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/needs"
)

// documents are the README and the documents beside it, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	needs.Source(t, "../../README.md")
	paths, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	texts := map[string]string{}
	for _, path := range append(paths, "../../README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = string(text)
	}
	return texts
}

var (
	// shellBlock is a block of commands, and prompted a command that an example shows.
	shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")
	prompted   = regexp.MustCompile(`(?m)^\$ (.*)$`)
	// ofSynwatch is what synwatch is given, up to where the shell goes on.
	ofSynwatch = regexp.MustCompile(`(?m)(?:^|[\s(/])synwatch((?: +[^\s|&;<>#()]+)*)`)
	link       = regexp.MustCompile(`\]\(([^)#]*)(?:#[^)]*)?\)`)
)

// commandsIn are the arguments of each synwatch in a document's commands.
func commandsIn(text string) [][]string {
	var script strings.Builder
	for _, found := range append(shellBlock.FindAllStringSubmatch(text, -1), prompted.FindAllStringSubmatch(text, -1)...) {
		script.WriteString(found[1] + "\n")
	}
	var all [][]string
	for line := range strings.Lines(script.String()) {
		command, _, _ := strings.Cut(line, " # ")
		command = strings.ReplaceAll(command, " 2>", " >")
		for _, found := range ofSynwatch.FindAllStringSubmatch(command, -1) {
			if args := strings.Fields(found[1]); len(args) > 0 && !strings.ContainsAny(args[0][:1], "-/") { // else it is a file that is installed
				all = append(all, args)
			}
		}
	}
	return all
}

// TestDocumentsCommands: each command of the documents is one that synwatch takes.
func TestDocumentsCommands(t *testing.T) {
	seen := map[string]bool{}
	for path, text := range documents(t) {
		for _, args := range commandsIn(text) {
			cmd, rest, err := newRoot(fakeEnv(newFake(), nil, nil)).Find(args)
			if err == nil {
				err = cmd.ParseFlags(rest)
			}
			if err == nil {
				err = cmd.ValidateArgs(cmd.Flags().Args())
			}
			if err != nil {
				t.Errorf("%s: synwatch %s: %v", path, strings.Join(args, " "), err)
				continue
			}
			seen[cmd.Name()] = true
		}
	}
	for _, name := range []string{"trace", "top", "report", "check", "conntrack", "completion"} {
		if !seen[name] {
			t.Errorf("no command of the documents is synwatch %s", name)
		}
	}
}

// TestDocumentsLinks: what a document shows or names is there.
func TestDocumentsLinks(t *testing.T) {
	for path, text := range documents(t) {
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			to, err := url.Parse(found[1])
			if err != nil || to.Path == "" || to.IsAbs() {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), to.Path)); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}
