// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/synwatch/synwatch/pkg/text"
)

const (
	somaxconn = "net.core.somaxconn"
	// waiting is roughly the memory of a connection that waits to be accepted: a
	// struct tcp_sock without data, and the file that accept(2) will make.
	waiting = 3 << 10
	// stoppedAfter is how long nothing must have been accepted before it is said that
	// the application has stopped.
	stoppedAfter = 3 * time.Second
)

var listenRules = []Rule{
	{
		ID: "accept-queue-full", Scope: Listener,
		When:  "a listener's accept queue is full (critical), nearly full, or the listener dropped packets and the overflow counter of its namespace moved",
		Means: "clients' connect() hangs for 1, 3, 7 ... s while their SYNs are dropped; some believe themselves connected and get no answer",
		Find:  acceptQueue,
	},
	{
		ID:    "listen-overflows",
		When:  "TcpExtListenOverflows moved and no listener that is still there shows it",
		Means: "clients' connect() hung for 1, 3, 7 ... s, or they believed themselves connected and got no answer",
		Find:  overflowsOfUnknown,
	},
	{
		ID:    "listen-drops",
		When:  "TcpExtListenDrops moved by more than full queues explain, and tcp_tw_recycle is not on",
		Means: "clients' connect() hangs: their SYNs are dropped without an answer",
		Find:  otherListenDrops,
	},
	{
		ID:    "somaxconn-binds",
		When:  "net.core.somaxconn is below 4096 and cuts off what applications ask of listen(2)",
		Means: "a burst of new connections that the application asked room for finds the queue full, and clients hang for a second or more",
		Find:  somaxconnBinds,
	},
	{
		ID:    "abort-on-overflow",
		When:  "net.ipv4.tcp_abort_on_overflow is 1",
		Means: "clients that meet a full accept queue read \"connection reset by peer\" where their kernel would have tried again",
		Find:  abortOnOverflow,
	},
}

func acceptQueue(f *Facts) *Finding {
	l := f.Listener
	if l == nil {
		return nil
	}
	if l.Limit == nil {
		return f.queueOfUnknownLimit()
	}
	limit := uint64(*l.Limit)
	x := &Finding{Means: f.overflowMeans(), Evidence: []Evidence{
		{What: "accept queue", Value: fmt.Sprint(l.Waiting), Where: fmt.Sprintf("limit %d", limit)},
	}}
	dropped := l.Drops != nil && *l.Drops > 0 && f.sum("TcpExtListenOverflows") > 0
	switch {
	case l.Full():
		x.Severity, x.Title = Critical, fmt.Sprintf("the accept queue of %s is full", who(l))
	case uint64(l.Waiting)*10 >= limit*8 && l.Waiting >= 8:
		x.Severity, x.Title = Warning, fmt.Sprintf("the accept queue of %s is nearly full", who(l))
	case dropped:
		x.Severity, x.Title = f.severityOf(*l.Drops), fmt.Sprintf("the accept queue of %s was full", who(l))
	default:
		return nil
	}
	if dropped {
		x.Evidence = append(x.Evidence, Evidence{What: "dropped by this listener", Value: fmt.Sprint(*l.Drops), Where: f.sinceListening()})
	}
	x.Evidence = append(x.Evidence, f.counted("TcpExtListenOverflows", "TcpExtListenDrops")...)
	if l.Full() && l.Still >= stoppedAfter {
		x.Evidence = append(x.Evidence, Evidence{What: "newest connection that waits", Value: span(l.Still), Where: "nothing was accepted since"})
	}
	x.Changes = f.queueChanges(l, x.Severity == Critical)
	x.Evidence = append(x.Evidence, f.inForce(somaxconn)...)
	return x
}

func (f *Facts) sinceListening() string {
	if f.Window > 0 {
		return f.when()
	}
	return "since it listens"
}

// who is a listener in words: nginx[812] on *:443.
func who(l *sockets.ListenerQueue) string {
	on := fmt.Sprintf("port %d", l.Addr.Port())
	if a := l.Addr.Addr(); a.IsValid() && !a.IsUnspecified() {
		on = netip.AddrPortFrom(a, l.Addr.Port()).String()
	}
	if l.PID == 0 {
		return "the listener on " + on
	}
	return fmt.Sprintf("%s[%d] on %s", l.Comm, l.PID, on)
}

// queueChanges is how a listener is helped. One that has stopped accepting is not helped
// by a longer queue.
func (f *Facts) queueChanges(l *sockets.ListenerQueue, full bool) []Change {
	first := do("make the application accept: look for a thread that is stuck or overloaded", "the queue empties only by accept(2)")
	if full && l.PID != 0 {
		first.Do = fmt.Sprintf("find out why %s[%d] does not accept: its threads (cat /proc/%d/task/*/wchan), its CPU time, its limit of open files (/proc/%d/limits)", l.Comm, l.PID, l.PID, l.PID)
	}
	accepted, known := f.Space.Counters["TcpPassiveOpens"]
	switch {
	case full && l.Still >= stoppedAfter:
		first.Why = fmt.Sprintf("nothing was accepted from this queue for %s: a longer one would only fill later", span(l.Still))
		return []Change{first}
	case full && f.Window >= stoppedAfter && known && accepted == 0:
		first.Why = "nothing at all was accepted " + f.when() + ": a longer queue would only fill later"
		return []Change{first}
	case full && f.Window == 0:
		first.Why += "; a longer queue helps against bursts, and not where the application has stopped (synwatch check --since 10s shows whether it has)"
	}
	return append([]Change{first}, f.longerQueue(uint64(*l.Limit))...)
}

// longerQueue is how an accept queue gets longer, by which limit binds.
func (f *Facts) longerQueue(limit uint64) []Change {
	cut, known := f.number(somaxconn)
	if !known {
		return nil
	}
	want := min(max(powerAbove(2*limit), 1024), math.MaxUint16)
	switch {
	case limit == cut:
		changes := f.raiseSomaxconn(want, "the queue is exactly as long as somaxconn, which probably cuts off what the application asks")
		return append(changes, do("then restart the application, with a listen(2) backlog as large", "the limit of a socket is fixed when it begins to listen"))
	case limit > cut:
		return []Change{do("restart the application", fmt.Sprintf("its queue is from before somaxconn became %d", cut))}
	}
	changes := []Change{do(fmt.Sprintf("if it merely meets bursts, raise its own listen(2) backlog to %d and restart it", want),
		fmt.Sprintf("the application's backlog of %d binds, not somaxconn (%d); a full queue of %d takes about %s", limit, cut, want, f.share(want*waiting)))}
	if want > cut {
		changes = append(changes, f.raiseSomaxconn(want, fmt.Sprintf("it would cut off the larger backlog at %d", cut))...)
	}
	return changes
}

// raiseSomaxconn sets it to what is needed, and to no less than the kernel's default.
func (f *Facts) raiseSomaxconn(need uint64, why string) []Change {
	want := max(need, defaultSomaxconn)
	if cut, known := f.number(somaxconn); known && want <= cut {
		return nil
	}
	if want == defaultSomaxconn {
		why += "; it is the kernel's own default since 5.4"
	}
	return []Change{set(somaxconn, want, fmt.Sprintf("%s; a full queue of %d takes about %s", why, want, f.share(want*waiting)))}
}

// showsOverflow says whether some listener shows that it was, or is, full.
func (f *Facts) showsOverflow() bool {
	for i := range f.Space.Listeners {
		if l := &f.Space.Listeners[i]; overflowed(l) || f.fillsSomaxconn(l) {
			return true
		}
	}
	return false
}

func overflowed(l *sockets.ListenerQueue) bool {
	return l.Drops != nil && *l.Drops > 0 || l.Full()
}

func overflowsOfUnknown(f *Facts) *Finding {
	n := f.sum("TcpExtListenOverflows")
	if n == 0 || f.showsOverflow() {
		return nil
	}
	evidence := append(f.longestQueue(), f.counted("TcpExtListenOverflows", "TcpExtListenDrops", "TcpPassiveOpens")...)
	return &Finding{
		Severity: f.severityOf(n), Title: "accept queues overflowed", Means: f.overflowMeans(),
		Evidence: append(evidence, f.inForce(somaxconn)...),
		Changes: []Change{do("watch which listener it is: synwatch trace --cause accept-queue-full",
			"the listener is gone by now or is not known; which limit binds depends on it")},
	}
}

// otherListenDrops is SYNs dropped for another reason than a full queue.
func otherListenDrops(f *Facts) *Finding {
	drops := f.Space.Counters["TcpExtListenDrops"]
	known := f.sum("TcpExtListenOverflows", "TcpExtTCPReqQFullDrop")
	if drops <= known || (drops-known)*10 < drops || f.recycles() {
		return nil // tcp_tw_recycle drops SYNs in the same place, and has a rule of its own
	}
	x := &Finding{
		Severity: f.severityOf(drops - known), Title: "SYNs were dropped by listeners, and not for a full accept queue",
		Evidence: f.counted("TcpExtListenDrops", "TcpExtListenOverflows", "TcpExtTCPReqQFullDrop", "TcpExtPAWSPassive", "TcpPassiveOpens"),
	}
	if f.is(synCookies, 0) {
		x.Evidence = append(append(x.Evidence, f.inForce(synCookies)...), f.requestEvidence()...)
	}
	x.Changes = []Change{do("watch for what cause it happens: synwatch trace --cause syn-backlog-reserved,syn-refused,handshake-icmp-error --notices",
		"this counter also counts the reserve of tcp_max_syn_backlog with cookies off, no route back, no memory, and ICMP errors for a SYN-ACK")}
	return x
}

func somaxconnBinds(f *Facts) *Finding {
	cut, known := f.number(somaxconn)
	if !known || cut >= defaultSomaxconn {
		return nil
	}
	x := &Finding{Severity: Note, Evidence: f.inForce(somaxconn)}
	n := 0
	for i := range f.Space.Listeners {
		l := &f.Space.Listeners[i]
		if l.Limit == nil || uint64(*l.Limit) != cut || overflowed(l) {
			continue // accept-queue-full has it, and knows whether it accepts at all
		}
		if n++; n <= 3 {
			x.Evidence = append(x.Evidence, Evidence{What: "limit of " + who(l), Value: fmt.Sprint(*l.Limit), Where: "exactly somaxconn"})
		}
	}
	if n == 0 {
		return nil
	}
	if overflows := f.sum("TcpExtListenOverflows"); overflows > 0 && !f.showsOverflow() {
		x.Severity = f.severityOf(overflows)
		x.Evidence = append(x.Evidence, f.counted("TcpExtListenOverflows")...)
	}
	x.Title = fmt.Sprintf("somaxconn probably cuts off the accept queues of %s", text.Count(n, "listener"))
	x.Changes = append(f.raiseSomaxconn(defaultSomaxconn, "their queues are exactly as long as somaxconn"),
		do("then restart the applications", "the limit of a socket is fixed when it begins to listen"))
	return x
}
