// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFailures(t *testing.T) {
	const out = `matrix: {"cause":"a"}
--- FAIL: TestCauses (9.00s)
    --- FAIL: TestCauses/v6 (8.00s)
        --- FAIL: TestCauses/v6/no-route (0.00s)
            kernel_test.go:12: 3 drops, want 4
                from 10.9.0.1
        --- PASS: TestCauses/v6/other (0.00s)
            kernel_test.go:12: fine
        --- SKIP: TestCauses/v6/absent (0.00s)
skip: {"test":"TestOther"}
--- PASS: TestThird (1.00s)
    third_test.go:1: said
panic: test timed out after 10m0s
	running tests:
FAIL
`
	want := []string{
		"--- FAIL: TestCauses (9.00s)",
		"    --- FAIL: TestCauses/v6 (8.00s)",
		"        --- FAIL: TestCauses/v6/no-route (0.00s)",
		"            kernel_test.go:12: 3 drops, want 4",
		"                from 10.9.0.1",
		"panic: test timed out after 10m0s",
	}
	if diff := cmp.Diff(want, Failures([]byte(out))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
