// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/event"
)

func TestUnseenOfATracepointOnlyRun(t *testing.T) {
	got := map[string][]string{}
	for _, u := range NewAttributor(event.Coverage{HasReasons: true, Reasons: map[string]bool{"TCP_LISTEN_OVERFLOW": true}}).Unseen() {
		for _, s := range u.Stages {
			got[u.Counter] = append(got[u.Counter], s.Cause.ID+"/"+s.Stage)
		}
	}
	want := map[string][]string{
		listenOverflows: {"accept-queue-full/syn", "accept-queue-full/cookie-ack"},
		reqQFullDrop:    {"syn-queue-full/"},
		syncookiesSent:  {"syn-cookie-sent/"},
		listenDrops:     {"syn-backlog-reserved/", "syn-refused/", "syn-refused/ack", "handshake-icmp-error/"},
	}
	for counter, stages := range want {
		if diff := cmp.Diff(stages, got[counter]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", counter, diff)
		}
	}
}

func TestNothingUnseenWithFullCoverage(t *testing.T) {
	cov := event.Coverage{Observable: event.AllFacts, HasReasons: true, Reasons: map[string]bool{}}
	for _, r := range rules {
		cov.Hooks = append(cov.Hooks, event.HookState{Name: string(r.Hook), Status: event.Attached})
		for _, reason := range r.Reasons {
			cov.Reasons[reason] = true
		}
	}
	if got := NewAttributor(cov).Unseen(); got != nil {
		t.Errorf("unseen: %v", got)
	}
}
