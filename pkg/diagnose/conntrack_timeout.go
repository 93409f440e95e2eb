// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"golang.org/x/sys/unix"
)

const (
	established = "ESTABLISHED"
	timeWait    = "TIME_WAIT"
	// day is long for an idle connection, in seconds: those that live longer mostly
	// send keepalives.
	day = 24 * 60 * 60
	// timeoutPrefix is in front of the timeouts' names.
	timeoutPrefix = "net.netfilter.nf_conntrack_"
)

// timeout is how long an entry of a kind stays, and how short that may be.
type timeout struct {
	sysctl  string
	usual   uint64 // the kernel's, in seconds
	shorter uint64
	why     string
}

// tcpTimeouts are those that can be shorter, by the state of the connection
// (net/netfilter/nf_conntrack_proto_tcp.c:tcp_timeouts).
var tcpTimeouts = map[string]timeout{
	established:  {"tcp_timeout_established", fiveDays, day, "a client that vanished holds its entry for this long; the kernel's default is five days, and connections that live longer mostly have keepalives every two hours"},
	"SYN_SENT":   {"tcp_timeout_syn_sent", 120, 30, "a SYN that nobody answers holds its entry for this long; in 30 s a client sends five"},
	"SYN_RECV":   {"tcp_timeout_syn_recv", 60, 30, "a handshake that a client does not complete holds its entry for this long"},
	"FIN_WAIT":   {"tcp_timeout_fin_wait", 120, 60, "a connection that one side has closed holds its entry for this long"},
	"CLOSE_WAIT": {"tcp_timeout_close_wait", 60, 60, "a connection that the client has closed, and the server not, holds its entry for this long; the kernel's default is a minute, kube-proxy sets an hour"},
	timeWait:     {"tcp_timeout_time_wait", 120, 30, "the connection is closed on both sides; the entry is only for segments that come late"},
}

// mostKind is the kind of most entries, nil where no kind has half of them. It is
// known only where the table was read.
func mostKind(h *conntrack.Summary) (kind *conntrack.Kind, known bool) {
	if h == nil || h.Entries == 0 {
		return nil, false
	}
	if len(h.States) > 0 && h.States[0].Entries*2 >= h.Entries {
		kind = h.States[0].Kind
	}
	return kind, true
}

// timeoutOf is the timeout of the entries that fill the table.
func (f *Facts) timeoutOf(kind *conntrack.Kind) (timeout, bool) {
	if kind == nil || kind.Protocol() != "tcp" {
		return timeout{}, false
	}
	t, ok := tcpTimeouts[kind.State]
	return t, ok
}

// timeoutEvidence is the timeout of the kind that fills the table.
func (f *Facts) timeoutEvidence() []Evidence {
	kind, known := mostKind(f.Space.Holders)
	if !known {
		return f.inForce(ctEstablished)
	}
	t, ok := f.timeoutOf(kind)
	if !ok {
		return nil
	}
	return f.inForce(timeoutPrefix + t.sysctl)
}

// shorterTimeout is a shorter timeout for the kind of entries that fills the table,
// and none where it is short already or no kind does.
func (f *Facts) shorterTimeout() []Change {
	kind, readTable := mostKind(f.Space.Holders)
	if !readTable {
		kind = &conntrack.Kind{Proto: unix.IPPROTO_TCP, State: established}
	}
	t, ok := f.timeoutOf(kind)
	if !ok {
		return nil
	}
	key := timeoutPrefix + t.sysctl
	now, known := f.number(key)
	if known && now <= t.shorter {
		return nil
	}
	c := set(key, t.shorter, t.why)
	switch {
	case !readTable:
		c = c.ask("are most of the entries ESTABLISHED? synwatch conntrack says it")
	case !known:
		c = c.ask(fmt.Sprintf("is it longer now? The kernel's default is %d", t.usual))
	}
	changes := []Change{c}
	if kind.State == timeWait {
		changes = append(changes, do("have the clients keep connections open, a load balancer or proxy in front among them (HTTP keep-alive)",
			"each short connection leaves an entry behind when it is closed"))
	}
	return changes
}

// whyHeld says what mostly makes a range hold entries of a kind.
func whyHeld(kind conntrack.Kind) string {
	switch {
	case kind.Protocol() != "tcp":
		return ""
	case kind.State == established:
		return "; often a NAT there forgets connections without closing them"
	case kind.State == timeWait:
		return "; it opens and closes connections quickly"
	}
	return ""
}
