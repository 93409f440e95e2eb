// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/netns"
)

// complete is what a shell is told for a command line.
func complete(t *testing.T, args ...string) (values []string, directive string) {
	t.Helper()
	got := command(t, newFake(), append([]string{cobra.ShellCompRequestCmd}, args...)...)
	lines := strings.Split(strings.TrimSuffix(got.stdout, "\n"), "\n")
	if got.status != exitFine {
		t.Fatalf("%q: %+v", args, got)
	}
	for _, line := range lines[:len(lines)-1] {
		value, _, _ := strings.Cut(line, "\t")
		values = append(values, value)
	}
	return values, lines[len(lines)-1]
}

// The quotes in the descriptions of flags are for the help.
func TestCompletionDescribesFlagsPlainly(t *testing.T) {
	got := command(t, newFake(), cobra.ShellCompRequestCmd, "trace", "--")
	if !strings.Contains(got.stdout, "--src\t") || strings.Contains(got.stdout, "`") {
		t.Errorf("got %s", got.stdout)
	}
}

func TestCompletion(t *testing.T) {
	// The directives: 4 no files, 16 directories, 32 in this order.
	for _, test := range []struct{ args, want, directive string }{
		{"exp", "explain", ":4"},
		{"help|co", "completion conntrack", ":36"},
		{"help|trace|", "", ":36"},
		{"explain|accept", "accept-queue-full", ":36"},
		{"explain|accept-queue-full|accept", "", ":36"},
		{"trace|", "", ":4"},
		{"trace|--cause|paws-", "paws-established paws-time-wait paws-handshake", ":36"},
		{"trace|--cause=no-route,mart", "no-route,martian-source", ":36"},
		{"trace|--cause|paws-time-wait,paws-", "paws-time-wait,paws-established paws-time-wait,paws-handshake", ":36"},
		{"trace|--direction|", "in forward out", ":36"},
		{"trace|--proto|u", "udp", ":36"},
		{"trace|--color|", "auto always never", ":36"},
		{"trace|--src|", "", ":4"},
		{"trace|--port|", "", ":4"},
		{"trace|-o|", "", ":0"},
		{"check|--root|", "", ":16"},
		{"conntrack|--state|est", "", ":36"},
		{"conntrack|--state|EST", "ESTABLISHED", ":36"},
		{"conntrack|--family|", "ipv4 ipv6", ":36"},
		{"man|", "", ":16"},
		{"report|", "ndjson json jsonl gz zst [0-9] [0-9][0-9]", ":8"},
		{"report|web1.json|", "ndjson json jsonl gz zst [0-9] [0-9][0-9]", ":8"},
		{"top|", "ndjson json jsonl gz zst [0-9] [0-9][0-9]", ":8"},
		{"top|--speed|", "", ":4"},
		{"top|--no-", "--no-sync", ":4"},
		{"trace|--rotate-", "--rotate-keep --rotate-size", ":4"},
		{"trace|--rotate-size|", "", ":4"},
		{"trace|--rotate-keep|", "", ":4"},
		{"report|--html|", "", ":0"},
		{"completion|", "bash zsh fish", ":4"},
	} {
		values, directive := complete(t, strings.Split(test.args, "|")...)
		if got := strings.Join(values, " "); got != test.want || directive != test.directive {
			t.Errorf("%s: got %s %s, want %s %s", test.args, got, directive, test.want, test.directive)
		}
	}
}

func TestCompletionHasEachCause(t *testing.T) {
	for _, args := range [][]string{{"explain", ""}, {"trace", "--cause", ""}} {
		values, _ := complete(t, args...)
		if len(values) != len(cause.All()) {
			t.Errorf("%q: %d causes of %d", args, len(values), len(cause.All()))
		}
	}
}

func TestCompletionOfNetworkNamespaces(t *testing.T) {
	self, err := netns.Resolve(fmt.Sprintf("/proc/%d/ns/net", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	values, directive := complete(t, "trace", "--netns", "")
	if want := append(netns.Names(), fmt.Sprint(self)); !containsOneOf(values, want) || directive != ":36" {
		t.Errorf("none of %q is in %q %s", want, values, directive)
	}
}

func containsOneOf(all, some []string) bool {
	for _, s := range some {
		for _, a := range all {
			if a == s {
				return true
			}
		}
	}
	return false
}

// TestCompletionKnowsEachFlag: what stands for a value in the help says how it completes.
func TestCompletionKnowsEachFlag(t *testing.T) {
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			kind, _ := pflag.UnquoteUsage(f)
			_, known := completions[kind]
			_, path := paths[kind]
			if !known && !path && f.Value.Type() != "bool" {
				t.Errorf("%s --%s: nothing says how a %s is completed", cmd.CommandPath(), f.Name, kind)
			}
		})
		for _, kind := range argument.FindAllString(cmd.Use, -1) {
			if _, path := paths[kind]; completions[kind] == nil && !path && kind != "COMMAND" {
				t.Errorf("%s: nothing says how a %s is completed", cmd.Use, kind)
			}
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(newRoot(fakeEnv(newFake(), nil, nil)))
}

// TestCompletionOfCaptures: of the commands that read some.
func TestCompletionOfCaptures(t *testing.T) {
	values, directive := completeArguments("report FILE...")(nil, nil, "")
	if strings.Join(values, " ") != strings.Join(captures, " ") || directive != cobra.ShellCompDirectiveFilterFileExt {
		t.Errorf("got %q %d", values, directive)
	}
}

func TestCompletionScripts(t *testing.T) {
	for shell, want := range map[string]string{"bash": `complete -o default -F __start_synwatch`, "zsh": `#compdef synwatch`, "fish": `complete -c synwatch`} {
		got := command(t, newFake(), "completion", shell)
		if got.status != exitFine || got.stderr != "" || !strings.Contains(got.stdout, want) {
			t.Errorf("%s: no %q: status %d, %s", shell, want, got.status, got.stderr)
		}
	}
	for _, args := range []string{"completion", "completion csh", "completion bash zsh"} {
		got := command(t, newFake(), strings.Fields(args)...)
		if got.status != exitUsage || got.stderr != "synwatch: one shell must be named: bash, zsh or fish\n" {
			t.Errorf("%s: got %+v", args, got)
		}
	}
}

// TestBashTakesTheScript: bash's own parser.
func TestBashTakesTheScript(t *testing.T) {
	needs.Program(t, "bash")
	cmd := exec.Command("bash", "-n")
	cmd.Stdin = strings.NewReader(command(t, newFake(), "completion", "bash").stdout)
	if out, err := cmd.CombinedOutput(); err != nil || regexp.MustCompile(`\S`).Match(out) {
		t.Errorf("%v: %s", err, out)
	}
}
