// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/event"
)

// TestKernelTakesEveryProgram: what a kernel's verifier refuses would only show as
// causes that this kernel cannot show. Where the kernel has BTF the faster kind of
// program is on the tracepoint; the slower one counts the same, so no other test
// would fail. It is one test, as a trace takes long to start under emulation.
func TestKernelTakesEveryProgram(t *testing.T) {
	s := startTrace(t)
	awaitModules(t, s)
	s.stop()
	for _, h := range s.coverage().Hooks {
		if strings.Contains(h.Why, "verifier:") {
			t.Errorf("%+v", h)
		}
	}
	free := s.coverage().Hooks[0]
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	if free.Name != string(event.HookFree) || (free.Why == "") != (err == nil) {
		t.Errorf("%+v, although the kernel's BTF: %v", free, err)
	}
}
