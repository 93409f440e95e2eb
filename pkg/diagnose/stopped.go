// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/synwatch/synwatch/pkg/text"
)

// stopped says who accepts nothing any more, and how that is known, empty if it is
// not known.
func (t *Tally) stopped() (listener, why string) {
	if t.Accepted != nil && *t.Accepted == 0 && t.Duration >= stoppedAfter {
		return t.who(), "nothing at all was accepted in the namespace while these were dropped"
	}
	e, w := t.state(), t.Seen.Waiting
	if w == nil || e == nil {
		return "", ""
	}
	if w.Full != nil {
		return oneOfSeveral(w, t.when())
	}
	if w.Connections > int(e.AcceptQueueMax) && w.Newest >= stoppedAfter {
		return t.who(), fmt.Sprintf("the queue is full %s, and nothing was accepted from it for %s", t.when(), span(w.Newest))
	}
	return "", ""
}

// when is when a place was looked at.
func (t *Tally) when() string {
	if t.Running {
		return "now"
	}
	return "at the end"
}

// oneOfSeveral is about a listener that is full while others on its port have room.
// Where they share its address as well the kernel spreads connections evenly over
// them (SO_REUSEPORT, net/core/sock_reuseport.c:reuseport_select_sock): the one that
// stays behind is stuck, however long nothing was accepted.
func oneOfSeveral(w *sockets.Waiting, when string) (listener, why string) {
	l := w.Full
	full := fmt.Sprintf("%d wait in its queue of %d %s", l.Waiting, *l.Limit, when)
	since := ""
	if w.Connections > int(*l.Limit) && w.Newest >= stoppedAfter {
		since = fmt.Sprintf(", and nothing was accepted from it for %s", span(w.Newest))
	}
	switch {
	case w.Sharing > 0:
		return fmt.Sprintf("%s, one of %d sockets that share the port,", who(l), w.Sharing+1),
			fmt.Sprintf("%s%s; the kernel gives as many to %s on the port, and none of those is full", full, since, text.Count(w.Sharing, "other socket"))
	case since != "":
		return who(l), full + since
	}
	return "", ""
}
