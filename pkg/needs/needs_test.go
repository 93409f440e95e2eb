// SPDX-License-Identifier: Apache-2.0

package needs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
)

// outcome is whether a test passed, failed or was skipped.
type outcome struct {
	testing.TB
	said string
}

func (v *outcome) Name() string { return "TestX" }
func (v *outcome) Helper()      {}

func (v *outcome) end(how string) { v.said = how; panic(v) }

func (v *outcome) Skipf(string, ...any)  { v.end("skipped") }
func (v *outcome) Fatal(...any)          { v.end("failed") }
func (v *outcome) Fatalf(string, ...any) { v.end("failed") }

func outcomeOf(test func(testing.TB)) string {
	v := &outcome{said: "passed"}
	func() {
		defer func() {
			if r := recover(); r != nil && r != any(v) {
				panic(r)
			}
		}()
		test(v)
	}()
	return v.said
}

// A reason that does not hold is no reason to skip.
func TestASkipHidesNoFailure(t *testing.T) {
	cannot := errors.New("this kernel cannot")
	unprivileged := fmt.Errorf("%w: %w", cannot, os.ErrPermission)
	noPrivilege := "skipped"
	if os.Geteuid() == 0 {
		noPrivilege = "failed"
	}
	t.Setenv("SYNWATCH_VM", "")
	// In a VM that is known without it, all hooks are there and the source is not.
	notShown, noSource := "skipped", "passed"
	if InVM() {
		notShown, noSource = "failed", "skipped"
	}
	stdout = io.Discard
	defer func() { stdout = os.Stdout }()
	for name, test := range map[string]struct {
		run  func(testing.TB)
		want string
	}{
		"no error":              {func(t testing.TB) { Able(t, nil, cannot) }, "passed"},
		"the error":             {func(t testing.TB) { Able(t, fmt.Errorf("open: %w", cannot), cannot) }, "skipped"},
		"another error":         {func(t testing.TB) { Able(t, errors.New("broken"), cannot) }, "failed"},
		"no privilege":          {func(t testing.TB) { Able(t, unprivileged, cannot) }, noPrivilege},
		"shown":                 {func(t testing.TB) { Hooks(t, true, "x") }, "passed"},
		"not shown":             {func(t testing.TB) { Hooks(t, false, "no kprobes") }, notShown},
		"not shown for nothing": {func(t testing.TB) { Hooks(t, false, "") }, "failed"},
		"no such file":          {func(t testing.TB) { File(t, "/nonexistent") }, "skipped"},
		"a file":                {func(t testing.TB) { File(t, "/proc") }, "passed"},
		"no source":             {func(t testing.TB) { Source(t, "/nonexistent") }, noSource},
		"no program":            {func(t testing.TB) { Program(t, "/nonexistent") }, "skipped"},
		"no machine has":        {func(t testing.TB) { CPUs(t, 1<<20) }, "skipped"},
		"every machine has":     {func(t testing.TB) { CPUs(t, 1) }, "passed"},
	} {
		if got := outcomeOf(test.run); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	t.Setenv("SYNWATCH_VM", "1")
	for kernel, want := range map[string]string{"": "passed", "6.12": "passed", "6.12-rt": "skipped"} {
		t.Setenv("SYNWATCH_KERNEL", kernel)
		if got := outcomeOf(FewKernels); got != want {
			t.Errorf("on few kernels, on %q: %s, want %s", kernel, got, want)
		}
	}
	if got := outcomeOf(func(t testing.TB) { Hooks(t, false, "no kprobes") }); got != "failed" {
		t.Errorf("not shown in a VM: %s", got)
	}
}
