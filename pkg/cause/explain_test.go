// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryCauseIsExplained(t *testing.T) {
	for _, c := range All() {
		x := Explain(c)
		for name, text := range map[string]string{
			"meaning": x.Meaning, "client": x.Client, "path": x.Path, "kernels": x.Kernels, "fix": x.Fix,
		} {
			word, _, _ := strings.Cut(text, " ")
			if text == "" || strings.HasSuffix(text, ".") || word != strings.ToLower(word) && word != strings.ToUpper(word) {
				t.Errorf("%s: %s is %q: want a text that begins small and ends without a full stop", c, name, text)
			}
		}
		for _, stage := range x.Stages {
			if !strings.Contains(x.Path, stage) {
				t.Errorf("%s: the kernel path does not mention stage %s", c, stage)
			}
		}
	}
}

func TestKernelsFollowFromTheRules(t *testing.T) {
	for want, by := range map[string][3]bool{
		"by the drop reason where": {true, true, true},
		"kernels that have the":    {false, true, true},
		"only the counter's total": {true, false, true},
		"no drop reason names it":  {true, false, false},
	} {
		if got := kernels(by[0], by[1], by[2]); !strings.Contains(got, want) {
			t.Errorf("%v: %q, want %q", by, got, want)
		}
	}
}

func TestExplainCollectsWhatTheRulesHave(t *testing.T) {
	x := Explain(acceptQueueFull)
	want := Explanation{
		Cause: "accept-queue-full", Kind: "drop", Meaning: acceptQueueFull.Meaning, Client: acceptQueueFull.Client,
		Path: acceptQueueFull.Path, Stages: []string{"syn", "cookie-ack", "ack"},
		Counters: []string{listenOverflows, listenDrops}, Reasons: []string{"TCP_LISTEN_OVERFLOW"},
		Kernels: acceptQueueFull.Kernels, Fix: acceptQueueFull.Fix,
	}
	if diff := cmp.Diff(want, x); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
