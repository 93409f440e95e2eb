// SPDX-License-Identifier: Apache-2.0

package diagnose

// strayCookies is the finding of failed cookies that say nothing of clients or NATs,
// nil where they may.
func (f *Facts) strayCookies(failed uint64) *Finding {
	sent, sentKnown := f.Space.Counters["TcpExtSyncookiesSent"]
	overflows := f.sum("TcpExtListenOverflows")
	x := &Finding{Severity: Note, Evidence: f.counted("TcpExtSyncookiesFailed", "TcpExtSyncookiesRecv", "TcpExtSyncookiesSent", "TcpExtListenOverflows")}
	switch {
	case f.countsStrayACKs() && sentKnown && failed > sent:
		x.Title = "stray ACKs reached listeners, which this kernel counts as failed SYN cookies"
		x.Means = "mostly nothing: an ACK of a connection that is over, or of none, was answered with a RST"
		x.Evidence = append(x.Evidence, Evidence{What: "kernel", Value: f.System.Kernel})
		x.Changes = []Change{do("nothing, unless clients complain; then see who sends them (tcpdump), as this kernel is too old for synwatch trace",
			"before 4.0 every ACK that reaches a listener and belongs to no connection counts, also where no cookie was sent")}
	case sent > 0 && failed <= overflows:
		x.Title = "ACKs came with SYN cookies that are not valid, as follows when accept queues are full"
		x.Means = afterRefusalMeans
		x.Changes = []Change{do("see to the full accept queues (accept-queue-full, listen-overflows)",
			"a client whose valid cookie was dropped there goes on as if connected, and what it then sends carries no valid cookie; neither clients nor a NAT are to blame for as many as there were overflows")}
	default:
		return nil
	}
	return x
}

// countsStrayACKs says whether the kernel is one of the old that look at a cookie's
// age and value in one condition, and count both (net/ipv4/syncookies.c:
// cookie_v4_check of 2.6.32 and 3.10). They have no BTF to ask.
func (f *Facts) countsStrayACKs() bool { return f.before(4, 0) }
