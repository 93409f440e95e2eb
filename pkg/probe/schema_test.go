// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/synwatch/synwatch/pkg/cause/causetest"
	"github.com/synwatch/synwatch/pkg/event"
)

// The programs were compiled with the facts and hooks of package event.
func TestProgramsHaveTheSchema(t *testing.T) {
	spec, err := loadBpf()
	if err != nil {
		t.Fatal(err)
	}
	var facts, hookNumbers *btf.Enum
	if err := spec.Types.TypeByName("fact", &facts); err != nil {
		t.Fatal(err)
	}
	if err := spec.Types.TypeByName("hook", &hookNumbers); err != nil {
		t.Fatal(err)
	}
	var all event.Facts
	for _, v := range facts.Values {
		fact := event.Facts(v.Value)
		name := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(v.Name, "FACT_"), "_", "-"))
		name = regexp.MustCompile("^ct-").ReplaceAllString(name, "conntrack-")
		name = regexp.MustCompile("^req-").ReplaceAllString(name, "request-")
		if fact.String() != name {
			t.Errorf("%s is %q", v.Name, fact)
		}
		all |= fact
	}
	if all != event.AllFacts {
		t.Errorf("the programs know the facts %v, and package event others: %v", all, event.AllFacts&^all)
	}
	if n := len(event.Hooks()); len(hookNumbers.Values) != n {
		t.Errorf("the programs have %d hooks that count, package event %d", len(hookNumbers.Values), n)
	}
}

// Each hook that counts is the tracepoint, is seen from other functions, or is a
// row of the table.
func TestHooksThatCountAreAttached(t *testing.T) {
	for _, name := range event.Hooks() {
		isRow := slices.ContainsFunc(hooks, func(h hook) bool { return h.name == string(name) })
		if !isRow && name != event.HookFree && name != event.HookConnRequest {
			t.Errorf("nothing is attached to %s", name)
		}
	}
}

// Each row of the table has its programs.
func TestHooksHavePrograms(t *testing.T) {
	spec, err := loadBpf()
	if err != nil {
		t.Fatal(err)
	}
	for i := range hooks {
		for _, name := range slices.Concat(hooks[i].fentryPrograms(), hooks[i].kprobePrograms()) {
			if spec.Programs[name] == nil {
				t.Errorf("no program %s", name)
			}
		}
	}
}

// A misspelt drop reason would have a hook attached where it is not needed.
func TestHooksNameWhatKernelsHave(t *testing.T) {
	recordings, err := causetest.Read("../cause/testdata")
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, kernel := range recordings.Kernels {
		reasons = append(reasons, kernel.Reasons...)
	}
	known := append(reasons, "", receivingSocket, toldSegments, toldMartians, handledMartians, moduleTypes)
	for i := range hooks {
		for _, name := range []string{hooks[i].unless, hooks[i].with} {
			if !slices.Contains(known, name) {
				t.Errorf("%s: no tested kernel has the drop reason %q", hooks[i].name, name)
			}
		}
	}
}
