// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/event"
)

// TestKernelTakesEveryProgram: what a kernel's verifier refuses would only show as
// causes that this kernel cannot show.
func TestKernelTakesEveryProgram(t *testing.T) {
	s := startTrace(t)
	awaitModules(t, s)
	s.stop()
	for _, h := range s.coverage().Hooks {
		if strings.Contains(h.Why, "verifier:") {
			t.Errorf("%+v", h)
		}
	}
}

// TestKernelFreeByBTF: where the kernel carries BTF the faster kind of program is
// on the tracepoint. The other one counts as well, so nothing else would tell.
func TestKernelFreeByBTF(t *testing.T) {
	s := startTrace(t)
	s.stop()
	free := s.coverage().Hooks[0]
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	if free.Name != string(event.HookFree) || (free.Why == "") != (err == nil) {
		t.Errorf("%+v, although the kernel's BTF: %v", free, err)
	}
}
