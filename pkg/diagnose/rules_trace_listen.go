// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/sockets"
)

// listener is the one that was met, with the queue as it was.
func (t *Tally) listener() sockets.ListenerQueue {
	l := sockets.ListenerQueue{}
	if t.Answer.Listener != nil {
		l.Process = t.Answer.Listener.Process
	}
	if e := t.state(); e != nil {
		l.Waiting, l.Limit = e.AcceptQueue, &e.AcceptQueueMax
	}
	return l
}

func (t *Tally) state() *event.Listener {
	if t.Evidence == nil {
		return nil
	}
	return t.Evidence.Listener
}

func (t *Tally) who() string {
	if l := t.Answer.Listener; l != nil && l.PID != 0 {
		return fmt.Sprintf("%s[%d] on port %d", l.Comm, l.PID, t.Busiest.Port)
	}
	return fmt.Sprintf("the listener on port %d", t.Busiest.Port)
}

func tracedAcceptQueue(f *Facts) *Finding {
	t := f.Tally
	x := &Finding{Severity: Critical, Evidence: t.tallyEvidence()}
	if e := t.state(); e != nil {
		x.Evidence = append(x.Evidence, Evidence{What: "accept queue", Value: fmt.Sprint(e.AcceptQueue), Where: fmt.Sprintf("limit %d", e.AcceptQueueMax)},
			value(somaxconn, uint64(e.Somaxconn)))
		f.Space.Sysctls = map[string]string{somaxconn: fmt.Sprint(e.Somaxconn)}
	}
	var longer []Change
	if l := t.listener(); l.Limit != nil {
		longer = f.longerQueue(uint64(*l.Limit))
	}
	faster := do("make the application accept faster: more threads or processes in accept(2), less work between two calls", t.pace())
	if t.Resets > 0 {
		x.Means = abortMeans
		longer = append(longer, noAbort())
	}
	who, why := t.stopped()
	switch {
	case why != "":
		x.Title = who + " has stopped accepting"
		x.Changes = []Change{do(fmt.Sprintf("find out why %s does not accept, or restart it", who), why+": a longer queue would only fill later")}
	case t.floods() && t.outrun():
		x.Title = t.who() + " is flooded with connections"
		x.Changes = append([]Change{do("limit new connections before they reach it, by source or by range (nft: ct count, limit rate), or take a load balancer in front",
			fmt.Sprintf("%d sources that try once or twice each are no clients that wait, and %s; they complete the handshake, so that SYN cookies do not help", len(t.BySource), t.pace()))}, longer...)
	case t.bursts():
		x.Title = t.who() + " meets bursts that its accept queue is too short for"
		x.Changes = append(longer, faster)
	default:
		x.Title = t.who() + " accepts more slowly than connections come"
		x.Changes = append([]Change{faster}, longer...)
	}
	return x
}

// outrun says whether more was dropped than accepted: no application makes up
// for that.
func (t *Tally) outrun() bool { return t.Accepted == nil || t.Count >= *t.Accepted }

// bursts says whether all but one connection in twenty was accepted.
func (t *Tally) bursts() bool { return t.Accepted != nil && t.Count*20 < *t.Accepted }

// pace sets what came against what was accepted.
func (t *Tally) pace() string {
	if t.Accepted == nil {
		return "the queue is emptied too slowly; a longer one only helps against bursts"
	}
	return fmt.Sprintf("%s were accepted and %s were dropped, the clients' repeated tries among them; a longer queue only helps against bursts",
		rate(*t.Accepted, t.Duration), rate(t.Count, t.Duration))
}

// maxSynBacklog is as far as tcp_max_syn_backlog is raised.
const maxSynBacklog = 65536

func tracedSynQueue(f *Facts) *Finding {
	t := f.Tally
	x := &Finding{Severity: Critical, Title: "the queue of half-open requests of " + t.who() + " is full", Evidence: t.tallyEvidence()}
	notice := t.Cause.Kind == cause.Notice
	if notice {
		x.Severity, x.Title = Note, "SYN cookies are sent in place of the full request queue of "+t.who()
	}
	if t.floods() {
		x.Title = t.who() + " meets a SYN flood"
	}
	if !notice {
		x.Changes = append(x.Changes, set(synCookies, 1, "then the queue may be full and clients still get through"))
	}
	e := t.state()
	if e == nil || t.floods() {
		return x
	}
	x.Evidence = append(x.Evidence, Evidence{What: "half-open requests", Value: fmt.Sprint(e.SynQueue), Where: fmt.Sprintf("limit %d", e.AcceptQueueMax)})
	if t.Cause.Evidence.Has(cause.SynBacklog) {
		x.Evidence = append(x.Evidence, value(synBacklog, uint64(e.MaxSynBacklog)))
		if want := min(2*powerAbove(uint64(e.MaxSynBacklog)), maxSynBacklog); want > uint64(e.MaxSynBacklog) {
			x.Changes = append(x.Changes, set(synBacklog, want, "cookies off, its last quarter is for known clients only"))
		}
		return x
	}
	f.Space.Sysctls = map[string]string{somaxconn: fmt.Sprint(e.Somaxconn)}
	x.Changes = append(x.Changes, f.longerQueue(uint64(e.AcceptQueueMax))...)
	return x
}

func tracedCookies(f *Facts) *Finding {
	t := f.Tally
	if x := t.follows("ACKs with SYN cookies that are not valid"); x != nil {
		return x
	}
	x := &Finding{Severity: Warning, Title: "ACKs came to " + t.who() + " with SYN cookies that are not valid", Evidence: t.tallyEvidence()}
	if t.floods() {
		x.Title = t.who() + " meets a flood of ACKs"
		x.Changes = []Change{do("limit them before they reach it, by source or by range (nft: ct state invalid drop, limit rate)",
			fmt.Sprintf("%d sources that send one or two each answer no SYN-ACK of this machine's", len(t.BySource)))}
		return x
	}
	who := "the sources"
	if r := t.mostlyFrom(); r != "" {
		x.Title += ", mostly of " + r
		who = r
	}
	x.Changes = []Change{
		do("find out what loses or delays the connections of "+who, "a client that answers minutes late, or a NAT or firewall that forgot the connection, sends such ACKs; the counter of failed cookies also counts ACKs of connections that are long gone"),
		do("see why cookies are sent at all: synwatch trace --notices --cause syn-cookie-sent", "they are looked at only for two minutes after a queue of half-open requests was full"),
	}
	return x
}
