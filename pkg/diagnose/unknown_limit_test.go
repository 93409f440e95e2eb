// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/synwatch/synwatch/pkg/survey"
)

// /proc/net/tcp and netstat tell what waits in an accept queue, and not its limit.
func TestAcceptQueueOfUnknownLimit(t *testing.T) {
	for name, test := range map[string]struct {
		waiting   uint32
		overflows uint64
		want      string
	}{
		"as full as somaxconn lets it be": {129, 100, "critical accept-queue-full the accept queue of java[2113] on port 8080 is full"},
		"full, and the counters reset":    {129, 0, "critical accept-queue-full the accept queue of java[2113] on port 8080 is full"},
		"the longest":                     {101, 100, "warning listen-overflows accept queues overflowed (accept queue of java[2113] on port 8080: 101)"},
		"long, and none overflowed":       {101, 0, ""},
		"empty":                           {0, 100, "warning listen-overflows accept queues overflowed"},
	} {
		f := Facts{System: survey.System{Saved: true}, Space: survey.Space{
			Own: true, Sysctls: map[string]string{somaxconn: "128"}, Counters: nstat.Values{"TcpExtListenOverflows": test.overflows, "TcpExtListenDrops": test.overflows},
			Listeners: []sockets.ListenerQueue{
				{Addr: netip.MustParseAddrPort("0.0.0.0:22")},
				{Addr: netip.MustParseAddrPort("0.0.0.0:8080"), Waiting: test.waiting, Process: proc.Process{PID: 2113, Comm: "java"}},
			},
		}}
		var got []string
		for _, x := range Check([]Facts{f}) {
			if strings.Contains(x.Title, "accept queue") {
				title := x.Severity.String() + " " + x.ID + " " + x.Title
				if e := x.Evidence[0]; strings.HasPrefix(e.What, "accept queue of") {
					title += " (" + e.What + ": " + e.Value + ")"
				}
				got = append(got, title)
			}
		}
		if strings.Join(got, "; ") != test.want {
			t.Errorf("%s: %q, not %q", name, got, test.want)
		}
	}
}
