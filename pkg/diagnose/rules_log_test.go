// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/synwatch/synwatch/pkg/survey"
)

// An event of the log belongs to the finding about the same thing, or is a finding of
// its own: a note where the counters were read.
func TestKernelLog(t *testing.T) {
	limit := uint32(10)
	full := survey.Space{
		Own: true, Counters: nstat.Values{"TcpExtListenOverflows": 100, "TcpExtListenDrops": 100},
		Listeners: []sockets.ListenerQueue{{Addr: netip.MustParseAddrPort("0.0.0.0:80"), Waiting: 11, Limit: &limit}},
	}
	flood := func(port uint16) survey.LogEvent {
		return survey.LogEvent{Kind: survey.LogSYNFlood, Count: 3, Port: port, File: "/x/dmesg", Last: "[1.0] Possible SYN flooding"}
	}
	quiet := survey.Space{Own: true, Counters: nstat.Values{"TcpPassiveOpens": 100}}
	for name, test := range map[string]struct {
		space survey.Space
		event survey.LogEvent
		want  string
	}{
		"of the full listener": {full, flood(80), "critical accept-queue-full"},
		"of another":           {full, flood(8080), "note kernel-log"},
		"nothing else":         {quiet, flood(8080), "note kernel-log"},
		"no counters":          {survey.Space{Own: true}, survey.LogEvent{Kind: survey.LogConntrackFull, Count: 3}, "warning kernel-log"},
		"a table":              {quiet, survey.LogEvent{Kind: survey.LogNeighbourFull, Count: 3, Subject: "arp_cache"}, "note kernel-log"},
		"something else":       {quiet, survey.LogEvent{Kind: "else", Count: 3}, ""},
	} {
		got := ""
		for _, x := range Check([]Facts{{System: survey.System{Saved: true, Log: []survey.LogEvent{test.event}}, Space: test.space}}) {
			for _, e := range x.Evidence {
				if e.What == "in the kernel's log" && e.Value == "3" {
					got += x.Severity.String() + " " + x.ID
				}
			}
			if x.ID == "kernel-log" && test.event.Port == 8080 && !strings.HasSuffix(x.Title, " on port 8080") {
				t.Errorf("%s: %s", name, x.Title)
			}
		}
		if got != test.want {
			t.Errorf("%s: %q, not %q", name, got, test.want)
		}
	}
	for kind, words := range logWords {
		for _, id := range words.findings {
			found := false
			for _, r := range rules {
				found = found || r.ID == id
			}
			if !found {
				t.Errorf("%s: no rule is called %s", kind, id)
			}
		}
	}
}
