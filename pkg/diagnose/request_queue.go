// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/synwatch/synwatch/pkg/sockets"
)

// requestQueue is how many half-open requests a listener has room for, and which
// limit binds.
type requestQueue struct {
	listener *sockets.ListenerQueue
	length   uint64
	// backlog says that tcp_max_syn_backlog binds, else the listener's own limit does,
	// and somaxconn that this is somaxconn.
	backlog, somaxconn bool
	why                string
}

// fewestRequests is the least that a kernel before 4.4 makes room for
// (net/core/request_sock.c:reqsk_queue_alloc).
const fewestRequests = 8

// requestQueue works out the queue of a listener whose backlog, cut off by somaxconn, is limit.
// Since 4.4 (ef547f2ac16b) the same limit is for half-open requests as for connections
// that wait (include/net/inet_connection_sock.h:inet_csk_reqsk_queue_is_full).
// Before, tcp_max_syn_backlog cut it off as well, and the result plus one was
// rounded up to a power of two. With cookies off every kernel keeps the last quarter of
// tcp_max_syn_backlog for clients that it knows (net/ipv4/tcp_input.c:tcp_conn_request).
func (f *Facts) requestQueue(l *sockets.ListenerQueue) requestQueue {
	limit := uint64(*l.Limit)
	q := requestQueue{listener: l, length: limit, somaxconn: f.is(somaxconn, limit), why: f.limitedBy(limit)}
	backlog, known := f.number(synBacklog)
	if !known {
		return q
	}
	if f.before(4, 4) {
		if backlog < limit {
			q.backlog, q.why = true, fmt.Sprintf("%s (%d) binds", synBacklog, backlog)
		}
		q.length = powerAbove(max(min(limit, backlog), fewestRequests) + 1)
		q.why += ", and this kernel rounds one more up to a power of two"
	}
	if reserve := backlog - backlog>>2; f.is(synCookies, 0) && reserve < q.length {
		q.length, q.backlog = reserve, true
		q.why = fmt.Sprintf("three quarters of %s (%d), as SYN cookies are off: the last quarter is for clients that connected before", synBacklog, backlog)
	}
	if !q.backlog {
		q.why += fmt.Sprintf("; %s (%d) does not", synBacklog, backlog)
	}
	return q
}

// limitedBy says what made the limit of a listener what it is.
func (f *Facts) limitedBy(limit uint64) string {
	cut, known := f.number(somaxconn)
	switch {
	case known && limit == cut:
		return fmt.Sprintf("%s (%d) binds", somaxconn, cut)
	case known && limit > cut:
		return fmt.Sprintf("%s as it was when the listener began binds; it is %d now", somaxconn, cut)
	}
	return "the application's listen(2) backlog binds"
}

// requestQueues are those of all listeners whose limit is known, the shortest first.
func (f *Facts) requestQueues() []requestQueue {
	var queues []requestQueue
	for i := range f.Space.Listeners {
		if l := &f.Space.Listeners[i]; l.Limit != nil {
			queues = append(queues, f.requestQueue(l))
		}
	}
	slices.SortStableFunc(queues, func(a, b requestQueue) int { return cmp.Compare(a.length, b.length) })
	return queues
}

// queuesShown is how many listeners' queues are shown.
const queuesShown = 4

// requestEvidence shows the shortest queues of half-open requests.
func (f *Facts) requestEvidence() []Evidence {
	var found []Evidence
	queues := f.requestQueues()
	for _, q := range queues[:min(len(queues), queuesShown)] {
		found = append(found, Evidence{What: "half-open requests of " + who(q.listener), Value: fmt.Sprintf("at most %d", q.length), Where: q.why})
	}
	return found
}

// backlogBinds says whether tcp_max_syn_backlog limits the queue of a listener, or may,
// where no listener is known.
func (f *Facts) backlogBinds() bool {
	queues := f.requestQueues()
	return len(queues) == 0 || slices.ContainsFunc(queues, func(q requestQueue) bool { return q.backlog })
}

// longerRequestQueues is how the shortest queue gets longer, by what binds. The counters do not say
// whose queue was full, nor whether it was a flood.
func (f *Facts) longerRequestQueues(question string) []Change {
	queues := f.requestQueues()
	if len(queues) == 0 {
		return nil
	}
	q := queues[0]
	if len(queues) > 1 {
		question = fmt.Sprintf("was it the queue of %s, the shortest, and %s", who(q.listener), question)
	}
	var changes []Change
	switch {
	case q.backlog:
		backlog, _ := f.number(synBacklog)
		if want := min(2*powerAbove(backlog), maxSynBacklog); want > backlog {
			changes = []Change{set(synBacklog, max(want, f.usualBacklog()), "it limits the queue of half-open requests")}
		}
	case q.somaxconn:
		changes = f.raiseSomaxconn(2*uint64(*q.listener.Limit), "it limits the queue of half-open requests as well; the application is restarted then")
	default:
		changes = []Change{do(fmt.Sprintf("raise the listen(2) backlog of %s and restart it", who(q.listener)), "it limits the queue of half-open requests as well")}
	}
	for i := range changes {
		changes[i] = changes[i].ask(question)
	}
	return changes
}
