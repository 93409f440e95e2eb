// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// afterRefusal is what is found of a cause whose packets are of one client, beside a
// full accept queue that refused 192.0.2.1 and another.
func afterRefusal(id, client string) []Finding {
	refused, after := tally("accept-queue-full"), tally(id)
	after.Count, after.BusiestCount = 400, 400
	after.BySource = map[netip.Addr]uint64{netip.MustParseAddr(client): 400}
	return slices.DeleteFunc(Traced([]Tally{refused, after}, 16<<30), func(x Finding) bool { return x.Cause != id })
}

func TestACKsAfterARefusal(t *testing.T) {
	for _, id := range []string{"syn-cookie-invalid", "stray-ack"} {
		found := afterRefusal(id, "192.0.2.1")
		if len(found) != 1 || found[0].Severity != Note {
			t.Fatalf("%s: %+v", id, found)
		}
		text := said(found[0])
		for _, want := range []string{"that its full accept queue had refused", "neither the clients nor a NAT are to blame", "from sources that it refused 400 100 % of 400"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in %s", id, want, text)
			}
		}
		for _, not := range []string{"firewall that forgot", "mostly of", "refuses this range"} {
			if strings.Contains(text, not) {
				t.Errorf("%s: %q in %s", id, not, text)
			}
		}
		others := afterRefusal(id, "203.0.113.9")
		if len(others) != 1 || others[0].Severity != Warning || !strings.Contains(said(others[0]), "203.0.113.9") {
			t.Errorf("%s of a client that was not refused: %+v", id, others)
		}
	}
}

// A queue that is full on another port explains nothing.
func TestACKsBesideARefusalElsewhere(t *testing.T) {
	refused, after := tally("accept-queue-full"), tally("syn-cookie-invalid")
	refused.Busiest.Port = 8080
	for _, x := range Traced([]Tally{refused, after}, 16<<30) {
		if x.Cause == after.Cause.ID && x.Severity != Warning {
			t.Errorf("%+v", x)
		}
	}
}

func init() {
	type change = []func(*Facts)
	old := func(f *Facts) { f.System.Kernel = "3.10.0-1160.el7.x86_64" }
	failed := func(n uint64) func(*Facts) { return counter("TcpExtSyncookiesFailed", n) }
	sent := func(n uint64) func(*Facts) { return counter("TcpExtSyncookiesSent", n) }
	overflowed := func(f *Facts) {
		counter("TcpExtListenOverflows", 90000)(f)
		counter("TcpExtListenDrops", 90000)(f)
	}
	row("stray ACKs at an old kernel", change{old, failed(1e6), sent(20)}, "note syn-cookies-failing,note syn-cookies-in-use", "which this kernel counts as failed", "3.10.0-1160", "!synwatch trace --cause syn-cookie-invalid")
	row("cookies that fail at an old kernel", change{old, failed(50000), sent(60000)}, "warning syn-cookies-failing,warning syn-cookies-in-use", "behind one address")
	row("failed cookies after a full accept queue", change{failed(50000), sent(60000), overflowed}, "warning listen-overflows,warning syn-cookies-in-use,note syn-cookies-failing",
		"neither clients nor a NAT are to blame", "!lose their connections on the way")
	row("more failed cookies than a full accept queue explains", change{failed(95000), sent(99000), overflowed}, "warning listen-overflows,warning syn-cookies-failing,warning syn-cookies-in-use",
		"!neither clients nor a NAT")
}
