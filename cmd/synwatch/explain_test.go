// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/view"
)

func TestExplainLists(t *testing.T) {
	got := command(t, newFake(), "explain")
	if got.status != exitFine || got.stderr != "" || strings.Count(got.stdout, "\n") != len(cause.All()) {
		t.Errorf("got %+v", got)
	}
	for _, want := range []string{
		"\nno-listener               no socket matched", "\ntime-wait-overflow        notice: there were more",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in:\n%s", want, got.stdout)
		}
	}
}

func TestExplainCauses(t *testing.T) {
	got := command(t, newFake(), "explain", "accept-queue-full", "stray-ack")
	for _, want := range []string{
		"accept-queue-full (drop; stages: syn, cookie-ack, ack)\n\nWhat happened\n    The listener's accept queue was full, so",
		"\nWhat the client sees\n    At stage syn its connect() hangs: ", "\nWhat to do\n    Make the application accept faster;",
		"\nCounters\n    TcpExtListenOverflows, TcpExtListenDrops\n", "\nDrop reasons\n    TCP_LISTEN_OVERFLOW\n",
		"\nKernels that show it\n    Every kernel, by hooks", "\n\nstray-ack (drop; stages: handshake, listener)\n",
		"\nCounters\n    None of its own.\n",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in:\n%s", want, got.stdout)
		}
	}
	for line := range strings.Lines(got.stdout) {
		if len(line) > 81 {
			t.Errorf("too long: %s", line)
		}
	}
	if got.status != exitFine || got.stderr != "" {
		t.Errorf("status %d, %q", got.status, got.stderr)
	}
}

func TestExplainJSON(t *testing.T) {
	all := command(t, newFake(), "explain", "--json")
	if strings.Count(all.stdout, "\n") != len(cause.All()) {
		t.Errorf("got %+v", all)
	}
	got := command(t, newFake(), "explain", "--json", "no-listener")
	var x cause.Explanation
	if err := json.Unmarshal([]byte(got.stdout), &x); err != nil {
		t.Fatal(err)
	}
	c, _ := cause.Lookup("no-listener")
	if diff := cmp.Diff(cause.Explain(c), x); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if strings.Contains(all.stdout, `null`) {
		t.Errorf("null in %s", all.stdout)
	}
}

func TestExplainWrongUsage(t *testing.T) {
	for args, want := range map[string]string{
		"accept-queue":       `"accept-queue": unknown cause, did you mean accept-queue-full?`,
		"no-listener frob":   `"frob": unknown cause, the causes are accept-queue-full, `,
		"--frob no-listener": `unknown flag: --frob`,
	} {
		got := command(t, newFake(), append([]string{"explain"}, strings.Fields(args)...)...)
		if got.status != exitUsage || got.stdout != "" || !strings.Contains(got.stderr, want) || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%s: got %+v, want %q", args, got, want)
		}
	}
}

// TestCausesDocument makes sure that docs/causes.md is what the catalogue says.
func TestCausesDocument(t *testing.T) { checkDocumentFile(t, "causes.md", causesDocument()) }

//go:generate go test -run ^TestCausesDocument$ . -update

// causesDocument is docs/causes.md.
func causesDocument() string {
	var b strings.Builder
	b.WriteString(`<!-- Made from the catalogue in pkg/cause by go generate ./cmd/synwatch. Do not edit. -->

# Causes

What ` + "`synwatch explain CAUSE`" + ` prints for each. A drop is a packet, or a connection, that the kernel refused. A
notice is an event worth knowing that drops nothing; ` + "`--notices`" + ` shows it. Counters have the names of ` + "`nstat`" + `, those of
connection tracking the names of ` + "`conntrack -S`" + ` with ` + "`Conntrack`" + ` in front; a drop increments those of its stage and kernel
by one. Drop reasons are those of the kernel's kfree_skb tracepoint. [kernels.md](kernels.md) lists on which kernels each cause was
shown to be exact.

| cause | | what happened |
|---|---|---|
`)
	for _, c := range cause.All() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", c, c, c.Kind, c.Meaning)
	}
	for _, c := range cause.All() {
		x := cause.Explain(c)
		fmt.Fprintf(&b, "\n## %s\n", x.Cause)
		for _, s := range view.Chapters(x) {
			fmt.Fprintf(&b, "\n**%s.** %s\n", s.Heading, strings.TrimSuffix(s.Text, ".")+".")
		}
	}
	return b.String()
}
