// SPDX-License-Identifier: Apache-2.0

package diagnose

import "fmt"

const (
	synCookies = "net.ipv4.tcp_syncookies"
	synBacklog = "net.ipv4.tcp_max_syn_backlog"
	// requestSize is the memory of a half-open request, struct tcp_request_sock.
	requestSize = 320
)

var cookieRules = []Rule{
	{
		ID:    "syn-cookies-failing",
		When:  "TcpExtSyncookiesFailed moved",
		Means: "clients that believed themselves connected read \"connection reset by peer\"",
		Find:  cookiesFailing,
	},
	{
		ID:    "syn-cookies-in-use",
		When:  "TcpExtTCPReqQFullDoCookies or TcpExtSyncookiesSent moved",
		Means: "clients get through; one that sends no TCP timestamps loses window scaling and SACK on that connection",
		Find:  cookiesInUse,
	},
	{
		ID:    "syn-cookies-off",
		When:  "net.ipv4.tcp_syncookies is 0, and SYNs were dropped for a full queue (critical) or tcp_max_syn_backlog is below the kernel's own default for this memory and limits a listener's queue",
		Means: "a small SYN flood is enough that clients' SYNs are dropped and their connect() hangs",
		Find:  cookiesOff,
	},
	{
		ID:    "syn-cookies-always",
		When:  "net.ipv4.tcp_syncookies is 2",
		Means: "clients that send no TCP timestamps lose window scaling and SACK on every connection",
		Find:  cookiesAlways,
	},
}

func cookiesFailing(f *Facts) *Finding {
	failed := f.sum("TcpExtSyncookiesFailed")
	if failed == 0 {
		return nil
	}
	if x := f.strayCookies(failed); x != nil {
		return x
	}
	x := &Finding{
		Severity: f.severityOf(failed), Title: "ACKs came with SYN cookies that are not valid",
		Evidence: f.counted("TcpExtSyncookiesFailed", "TcpExtSyncookiesRecv", "TcpExtSyncookiesSent"),
		Changes: []Change{do("see who sends them: synwatch trace --cause syn-cookie-invalid",
			"it is clients that answer minutes late, an ACK flood, or machines behind one address that lose their connections on the way")},
	}
	if sent, known := f.Space.Counters["TcpExtSyncookiesSent"]; known && sent < failed {
		x.Evidence[0].Where += ", more than were sent: they did not come from here"
	}
	return x
}

func cookiesInUse(f *Facts) *Finding {
	full, sent := f.sum("TcpExtTCPReqQFullDoCookies"), f.sum("TcpExtSyncookiesSent")
	if full == 0 && sent == 0 || f.is(synCookies, 2) {
		return nil
	}
	n := max(full, sent)
	severity := f.severityOf(n)
	if severity == Warning && f.Window == 0 && f.sum("TcpExtSyncookiesRecv")*2 > n {
		severity = Note // most of them became connections
	}
	x := &Finding{
		Severity: severity, Title: "queues of half-open requests overflowed and SYN cookies were sent instead",
		Evidence: append(f.counted("TcpExtTCPReqQFullDoCookies", "TcpExtSyncookiesSent", "TcpExtSyncookiesRecv"), f.requestEvidence()...),
		Changes: []Change{do("see whether it is a flood or a short queue: synwatch trace --notices --cause syn-cookie-sent",
			"many sources with a SYN or two each are a flood, which cookies are for; few sources that go on to connect need a larger listen(2) backlog and net.core.somaxconn, which limit this queue too")},
	}
	x.Changes = append(x.Changes, f.longerRequestQueues("do the clients go on to connect? Else it is a flood, which SYN cookies are for")...)
	return x
}

func cookiesOff(f *Facts) *Finding {
	if !f.is(synCookies, 0) {
		return nil
	}
	dropped := f.sum("TcpExtTCPReqQFullDrop")
	backlog, known := f.number(synBacklog)
	usual := f.usualBacklog()
	small := known && f.System.Memory > 0 && backlog < usual && f.backlogBinds()
	if dropped == 0 && !small {
		return nil
	}
	x := &Finding{
		Severity: Warning, Title: "SYN cookies are off",
		Evidence: append(f.inForce(synCookies), f.inForce(synBacklog)...),
		Changes:  []Change{set(synCookies, 1, "cookies cost nothing until a queue overflows, and then let clients connect all the same")},
	}
	if dropped > 0 {
		x.Title = "SYN cookies are off and SYNs were dropped for full queues"
		x.Evidence = append(x.Evidence, f.counted("TcpExtTCPReqQFullDrop")...)
		if f.severityOf(dropped) > Note {
			x.Severity = Critical
		}
	}
	x.Evidence = append(x.Evidence, f.requestEvidence()...)
	switch {
	case small:
		x.Changes = append(x.Changes, f.usualSynBacklog())
	case dropped > 0:
		x.Changes = append(x.Changes, f.longerRequestQueues("do the clients go on to connect? Else it is a flood, against which SYN cookies help")...)
	}
	return x
}

// usualSynBacklog is the kernel's own choice. Since 4.4 it does nothing while
// cookies are on.
func (f *Facts) usualSynBacklog() Change {
	usual := f.usualBacklog()
	c := set(synBacklog, usual, fmt.Sprintf("the kernel's own choice for %s of memory; full, it takes about %s", bytes(f.System.Memory), f.share(usual*requestSize)))
	if f.before(4, 4) {
		return c
	}
	return c.ask("are SYN cookies to stay off? With them it limits nothing")
}

func cookiesAlways(f *Facts) *Finding {
	if !f.is(synCookies, 2) {
		return nil
	}
	return &Finding{
		Severity: Note, Title: "every SYN is answered with a SYN cookie",
		Evidence: append(f.inForce(synCookies), f.counted("TcpExtSyncookiesSent", "TcpExtSyncookiesFailed")...),
		Changes:  []Change{set(synCookies, 1, "2 is for tests; 1 sends cookies when a queue overflows")},
	}
}
