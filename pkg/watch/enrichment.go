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

const (
	// maxWait is how long a record may wait for its answer unless Config.MaxWait
	// says otherwise. The loop waits for answers at most pauses times in a row,
	// each time for pause.
	maxWait = 50 * time.Millisecond
	pause   = time.Millisecond
	pauses  = 4
	// maxUnanswered bounds the records that wait.
	maxUnanswered = 8192
)

// Enricher finds the listener, the interface and the like of a record; enrich.Cache is
// one.
type Enricher interface {
	// Ask returns at once what is known, and whether no more will be known later.
	Ask(enrich.Query) (answer enrich.Answer, all bool)
}

// unansweredRecord is a record that waits for its answer.
type unansweredRecord struct {
	located
	query enrich.Query
	until time.Time
}

// ask asks the query of a record, if it has one.
func (w *watcher) ask(q *enrich.Query) (enrich.Answer, bool) {
	if w.Enricher == nil || q.Empty() {
		return enrich.Answer{}, true
	}
	return w.Enricher.Ask(*q)
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

// enrich hands a record to the sink as soon as there is an answer to its query and
// the records before it were handed over.
func (w *watcher) enrich(r located) error {
	now := w.Now()
	q := queryOf(&r.Record, now)
	var all bool
	if r.Answer, all = w.ask(&q); all && len(w.unanswered) == 0 {
		return w.record(r)
	}
	w.unanswered = append(w.unanswered, unansweredRecord{r, q, now.Add(w.MaxWait)})
	if len(w.unanswered) > maxUnanswered {
		return w.recordFirst()
	}
	return nil
}

// recordAnswered hands over the records that have their answers or have waited for
// long enough, and returns how many are left.
func (w *watcher) recordAnswered() (int, error) {
	for len(w.unanswered) > 0 {
		first := &w.unanswered[0]
		var all bool
		if first.Answer, all = w.ask(&first.query); !all && w.Now().Before(first.until) {
			break
		}
		if err := w.recordFirst(); err != nil {
			return 0, err
		}
	}
	return len(w.unanswered), nil
}

func (w *watcher) recordFirst() error {
	r := w.unanswered[0].located
	w.unanswered[0] = unansweredRecord{}
	w.unanswered = w.unanswered[1:]
	return w.record(r)
}

func (w *watcher) record(r located) error {
	w.places.remember(placeOf(r.Cause, r.namespace, &r.Event), &r.Record)
	return w.Sink.Record(r.Record)
}

// awaitAnswers waits for answers, for a limited number of pauses.
func (w *watcher) awaitAnswers(pauses int) error {
	for ; ; pauses-- {
		left, err := w.recordAnswered()
		if err != nil || left == 0 || pauses <= 0 {
			return err
		}
		time.Sleep(pause)
	}
}

// recordAll waits for answers once more and records all that is left.
func (w *watcher) recordAll() error {
	err := w.awaitAnswers(int(w.MaxWait / pause))
	for err == nil && len(w.unanswered) > 0 {
		err = w.recordFirst()
	}
	return err
}
