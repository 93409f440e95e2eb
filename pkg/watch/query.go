// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/stream"
)

// Enricher finds the listener, the interface and the like of a record; enrich.Cache is
// one.
type Enricher interface {
	// Ask returns at once what is known, and whether no more will be known later.
	Ask(enrich.Query) (answer enrich.Answer, all bool)
}

// queryOf returns the query for what a record may carry.
func queryOf(r *stream.Record, now time.Time) enrich.Query {
	q := enrich.Query{Since: now, Netns: r.Netns, Dst: r.Dst, Conntrack: r.Cause.Evidence.Has(cause.Table)}
	if r.Dst.IsValid() {
		askWho(&q, r)
	}
	if r.Evidence != nil {
		q.Ifindex, q.OutIfindex = r.Evidence.Ifindex, r.Evidence.OutIfindex
	}
	if r.Evidence != nil && r.Evidence.Process != nil {
		q.Sender = proc.Process{PID: int(r.Evidence.Process.PID), Comm: r.Evidence.Process.Comm}
	}
	return q
}

// askWho asks who the packet was for: a listener of its namespace, or of another one of
// this machine. A direction that is not known is neither.
func askWho(q *enrich.Query, r *stream.Record) {
	switch r.Direction {
	case event.In:
		q.Listener = r.Proto == event.TCP && r.Cause.Evidence.Has(cause.Owner)
	case event.Forward, event.Out:
		q.Target, q.Listener = true, r.Proto == event.TCP
	}
}
