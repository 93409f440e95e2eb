// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/event"
)

// kernelOf finds a recorded kernel.
func kernelOf(t *testing.T, name string) *replay {
	t.Helper()
	all := replays(t)
	at := slices.IndexFunc(all, func(r *replay) bool { return r.kernel == name })
	if at < 0 {
		t.Fatalf("nothing is recorded of %s", name)
	}
	return all[at]
}

// tracepointOnly has a kernel that lets nothing but the tracepoint attach.
const tracepointOnly = "6.18-tracepoint"

func TestUnseenOfATracepointOnlyRun(t *testing.T) {
	got := map[string][]string{}
	for _, u := range NewAttributor(kernelOf(t, tracepointOnly).coverage).Unseen() {
		for _, s := range u.Stages {
			got[u.Counter] = append(got[u.Counter], s.Cause.ID+"/"+s.Stage)
		}
	}
	want := map[string][]string{
		listenOverflows: {"accept-queue-full/cookie-ack"},
		reqQFullDrop:    nil,
		syncookiesSent:  nil,
		listenDrops:     {"syn-refused/ack", "handshake-icmp-error/"},
	}
	for counter, stages := range want {
		if diff := cmp.Diff(stages, got[counter]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", counter, diff)
		}
	}
}

// TestWhatKernelsShow: with their hooks attached kernels show everything that can
// happen there, though none has every hook that there is.
func TestWhatKernelsShow(t *testing.T) {
	for _, r := range replays(t) {
		if r.kernel == tracepointOnly {
			continue
		}
		var want, got []string
		if !r.coverage.Reasons["TCP_RFC7323_TSECR"] {
			want = []string{"tsecr-rejected/"} // older kernels accept such an ACK
		}
		a := NewAttributor(r.coverage)
		for _, s := range a.Stages() {
			if !s.Seen || a.Partial(s.Cause.ID, s.Stage) {
				got = append(got, s.Cause.ID+"/"+s.Stage)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("not seen, or not all of it, on %s (-want +got):\n%s", r.kernel, diff)
		}
	}
}

// TestPartial takes hooks away: a stage is seen in part if one is gone that its
// own rules need.
func TestPartial(t *testing.T) {
	cov := kernelOf(t, "5.10").coverage
	cov.Hooks = slices.Clone(cov.Hooks)
	for i := range cov.Hooks {
		if cov.Hooks[i].Name == "tcp_validate_incoming" {
			cov.Hooks[i].Status = event.Unavailable
		}
	}
	cov.Observable &^= event.Rejected | event.BadChecksum
	a := NewAttributor(cov)
	for stage, want := range map[[2]string]bool{
		{"out-of-window", "old"}:             true,
		{"netfilter-reject", ""}:             true,
		{"checksum-error", ""}:               true,
		{"netfilter-drop", ""}:               false,
		{"accept-queue-full", "syn"}:         false,
		{"receive-buffer-full", "ofo-prune"}: false,
	} {
		if got := a.Partial(stage[0], stage[1]); got != want {
			t.Errorf("%v is seen in part: %v, want %v", stage, got, want)
		}
	}
	byReason := NewAttributor(kernelOf(t, tracepointOnly).coverage)
	if byReason.Partial("checksum-error", "") || !byReason.Partial("netfilter-drop", "") {
		t.Error("without hooks, checksum-error is seen by its reason, netfilter-drop only in part")
	}
}
