// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/synwatch/synwatch/pkg/cause/causetest"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/provoke"
)

// TestOutOfSight: that some hook is missing, as MPTCP's is on 5.10, does not excuse
// a cause that is misnamed other; one that the cause's own rules need does.
func TestOutOfSight(t *testing.T) {
	misnamed := []record{{Type: "drop", Cause: "other", Count: 6}}
	for _, test := range []struct {
		kernel, cause, stage string
		got                  []record
		want                 bool
	}{
		{"5.10", "paws-established", "", misnamed, false},
		{"5.10", "netfilter-drop", "", misnamed, false},
		{"5.10", "other", "", misnamed, false},
		{"5.10", "tsecr-rejected", "", nil, true},
		{"6.18-tracepoint", "paws-established", "", misnamed, true},
		{"6.18-tracepoint", "paws-established", "", []record{{Cause: "netfilter-drop"}}, false},
		{"6.18-tracepoint", "netfilter-drop", "", nil, false},
		{"6.18-tracepoint", "checksum-error", "", misnamed, false},
		{"6.18-tracepoint", "accept-queue-full", "syn", nil, false},
		{"6.18-tracepoint", "accept-queue-full", "cookie-ack", nil, true},
	} {
		tr := trial{Provocation: provoke.Provocation{Cause: test.cause, Stage: test.stage}}
		if got := tr.isUnseen(coverageOf(t, test.kernel), test.got); got != test.want {
			t.Errorf("%s on %s is unseen: %v, want %v (%v)", tr.Name(), test.kernel, got, test.want, test.got)
		}
	}
}

// coverageOf is what a kernel was recorded to show.
func coverageOf(t *testing.T, kernel string) event.Coverage {
	t.Helper()
	recordings, err := causetest.Read("../../pkg/cause/testdata")
	if err != nil {
		t.Fatal(err)
	}
	recorded := recordings.Kernels[kernel]
	if recorded == nil {
		t.Fatalf("nothing is recorded of %s", kernel)
	}
	cov, err := recorded.Decode()
	if err != nil {
		t.Fatal(err)
	}
	return cov
}
