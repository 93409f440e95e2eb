// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"github.com/synwatch/synwatch/pkg/stream"
)

// queue is how full one of a listener's queues is.
type queue struct {
	name        string // of the rarer one
	used, limit uint64
	binds       string // the limit's name
}

func (q queue) ratio() float64 {
	if q.limit == 0 {
		return 0
	}
	return float64(q.used) / float64(q.limit)
}

// queueOf is the fuller queue of a destination: as it was measured last, or, where it was
// not, as the newest drop met it.
func queueOf(d *destination, measured []stream.Queue) (fuller queue, ok bool) {
	if q := measuredOf(d, measured); q != nil {
		return fullerOf(
			queue{"", uint64(q.Accept), uint64(q.AcceptMax), q.Limit},
			queue{"SYN ", uint64(q.Requests), uint64(q.RequestsMax), q.RequestsLimit()},
		), true
	}
	if d.evidence == nil || d.evidence.Listener == nil {
		return queue{}, false
	}
	l := d.evidence.Listener
	limit := string(l.AcceptLimit())
	return fullerOf(
		queue{"", uint64(l.AcceptQueue), uint64(l.AcceptQueueMax), limit},
		queue{"SYN ", uint64(l.SynQueue), uint64(l.AcceptQueueMax), limit},
	), true
}

func fullerOf(a, b queue) queue {
	if b.ratio() > a.ratio() {
		return b
	}
	return a
}

// measuredOf finds the queues of a destination's listener.
func measuredOf(d *destination, measured []stream.Queue) *stream.Queue {
	at := d.netns
	if t := d.answer.Target; t != nil {
		at = t.Netns
	}
	for i := range measured {
		q := &measured[i]
		if q.Listen.Port() == d.port && !q.Netns.Differs(at) &&
			(!d.addr.IsValid() || q.Listen.Addr().IsUnspecified() || q.Listen.Addr() == d.addr) {
			return q
		}
	}
	return nil
}
