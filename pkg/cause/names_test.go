// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"bytes"
	_ "embed"
	"slices"
	"testing"

	"github.com/synwatch/synwatch/pkg/event"
)

// The kernels' own names, each followed by those of the tested kernels that have it:
// drop reasons by their BTF, and of the functions that free packets those that rules
// name, by /proc/kallsyms.
var (
	//go:embed testdata/reasons.txt
	reasonNames []byte
	//go:embed testdata/functions.txt
	functionNames []byte
)

func firstWords(text []byte) []string {
	var words []string
	for line := range bytes.Lines(text) {
		word, _, _ := bytes.Cut(line, []byte(" "))
		words = append(words, string(word))
	}
	return words
}

// A misspelt name would make a rule idle, which nothing else shows.
func TestRulesNameWhatKernelsHave(t *testing.T) {
	reasons := append(firstWords(reasonNames), "") // "": a kernel without reasons
	functions, hooks := firstWords(functionNames), append(event.Hooks(), "")
	for _, r := range rules {
		if !slices.Contains(hooks, r.Hook) {
			t.Errorf("%s/%s: no hook %q counts", r.Cause, r.Stage, r.Hook)
		}
		for _, name := range r.Reasons {
			if !slices.Contains(reasons, name) {
				t.Errorf("%s/%s: no tested kernel has the drop reason %q", r.Cause, r.Stage, name)
			}
		}
		for _, name := range r.Locations {
			if !slices.Contains(functions, name) {
				t.Errorf("%s/%s: no tested kernel frees packets in %q", r.Cause, r.Stage, name)
			}
		}
	}
}

// What connection tracking refuses of this host's own connections moves its
// counters, and gives no record.
func TestOwnConnectsAreCountedOnly(t *testing.T) {
	a := NewAttributor(event.Coverage{Observable: event.AllFacts})
	for _, r := range refusals {
		e := event.Event{Hook: event.HookFree, Facts: r.All | event.Outgoing, Location: "nf_hook_slow"}
		if got := a.Attribute(&e); got.Cause != r.Cause {
			t.Errorf("%v is named %s, want %s", e.Facts, got.Cause, r.Cause)
		}
		e.Facts |= event.OwnConnect
		if got := a.Attribute(&e); got.Cause != benign || !slices.Equal(got.Counters, r.Counters) {
			t.Errorf("%v is named %s with %v", e.Facts, got.Cause, got.Counters)
		}
	}
}
