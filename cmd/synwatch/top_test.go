// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestTopWantsATerminal(t *testing.T) {
	f := newFake()
	r := command(t, f, "top")
	if r.status != exitUsage || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, "use synwatch trace") {
		t.Errorf("status %d: %s", r.status, r.stderr)
	}
	if r.stdout != "" || f.closed {
		t.Error("it began all the same")
	}
}
