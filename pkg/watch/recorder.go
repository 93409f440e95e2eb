// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"errors"
	"sync"
	"time"

	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/stream"
)

const (
	// maxWait is how long a record may wait for its answer unless Config.MaxWait
	// says otherwise. The first that waits is asked about again each pause.
	maxWait = 50 * time.Millisecond
	pause   = time.Millisecond
	// maxUnanswered bounds the records that wait.
	maxUnanswered = 8192
	// maxBatch bounds the records that are handed over together, and maxBatches the
	// batches that wait for the recorder. There are few, so that a reader that is slow
	// holds up the loop soon: then the source joins drops, and there is less to read.
	maxBatch, maxBatches = 1024, 1
)

// recorder is the goroutine that alone asks the Enricher and calls the Sink. The loop
// hands records over to it, and waits only when it is further behind than its queue is
// long.
type recorder struct {
	enricher Enricher
	sink     stream.Sink
	now      func() time.Time
	maxWait  time.Duration
	places   *places // which have a lock

	queue chan message
	// free has batches for the loop to fill again.
	free chan []located
	// ended is closed at the goroutine's end, after err was set: an error of the sink,
	// at which it ends by itself.
	ended   chan struct{}
	err     error
	running sync.WaitGroup

	// These are the goroutine's own.
	unanswered []unansweredRecord
	unflushed  bool
}

// message is what the loop hands over: records, a call of the sink, or a question of
// which the answer is to close done when all records before it were recorded.
type message struct {
	records []located
	call    func(stream.Sink) error
	done    chan struct{}
}

// unansweredRecord is a record that waits for its answer.
type unansweredRecord struct {
	located
	query enrich.Query
	until time.Time
}

func newRecorder(cfg *Config, p *places) *recorder {
	return &recorder{
		enricher: cfg.Enricher, sink: cfg.Sink, now: cfg.Now, maxWait: cfg.MaxWait, places: p,
		queue: make(chan message, maxBatches), free: make(chan []located, maxBatches+2), ended: make(chan struct{}),
	}
}

// start starts the goroutine. It calls wake if it ends by an error.
func (r *recorder) start(wake func()) {
	r.running.Go(func() {
		r.err = r.follow()
		close(r.ended)
		if r.err != nil {
			wake()
		}
	})
}

// send hands a message over. An error is what the recorder has ended with.
func (r *recorder) send(m message) error {
	select {
	case r.queue <- m:
		return nil
	case <-r.ended:
		return r.err
	}
}

// drain returns when all that was handed over was recorded.
func (r *recorder) drain() error {
	m := message{done: make(chan struct{})}
	if err := r.send(m); err != nil {
		return err
	}
	select {
	case <-m.done:
		return nil
	case <-r.ended:
		return r.err
	}
}

// failed returns the error that the recorder has ended with, nil if it has not.
func (r *recorder) failed() error {
	select {
	case <-r.ended:
		return r.err
	default:
		return nil
	}
}

// close ends the recorder once it is through with what was handed over.
func (r *recorder) close() error {
	close(r.queue)
	r.running.Wait()
	return r.err
}

// batch returns an empty batch.
func (r *recorder) batch() []located {
	select {
	case b := <-r.free:
		return b
	default:
		return nil
	}
}

// follow takes what is handed over, until nothing more will be.
func (r *recorder) follow() error {
	for {
		m, more := r.next()
		if !more {
			return errors.Join(r.recordAll(), r.sink.Flush())
		}
		if err := r.take(m); err != nil {
			return err
		}
		if _, err := r.recordAnswered(); err != nil {
			return err
		}
	}
}

// next waits for a message, or until there may be another answer. Before it waits it
// flushes: a flood is flushed when there is a moment.
func (r *recorder) next() (m message, more bool) {
	select {
	case m, more = <-r.queue:
		return m, more
	default:
	}
	if r.unflushed {
		return message{call: r.flush}, true
	}
	var again <-chan time.Time
	if len(r.unanswered) > 0 {
		again = time.After(pause)
	}
	select {
	case m, more = <-r.queue:
		return m, more
	case <-again:
		return message{}, true
	}
}

func (r *recorder) take(m message) error {
	for i := range m.records {
		if err := r.enrich(&m.records[i]); err != nil {
			return err
		}
	}
	r.reuse(m.records)
	switch {
	case m.call != nil:
		r.unflushed = true
		return m.call(r.sink)
	case m.done != nil:
		if err := r.recordAll(); err != nil {
			return err
		}
		close(m.done)
	}
	return nil
}

func (r *recorder) flush(to stream.Sink) error {
	r.unflushed = false
	return to.Flush()
}

// reuse leaves a batch to the loop again, without what it refers to.
func (r *recorder) reuse(batch []located) {
	if batch == nil {
		return
	}
	clear(batch)
	select {
	case r.free <- batch[:0]:
	default:
	}
}

// enrich hands a record to the sink as soon as there is an answer to its query and
// the records before it were handed over.
func (r *recorder) enrich(l *located) error {
	now := r.now()
	q := queryOf(&l.Record, now)
	var all bool
	if l.Answer, all = r.ask(&q); all && len(r.unanswered) == 0 {
		return r.record(l)
	}
	r.unanswered = append(r.unanswered, unansweredRecord{*l, q, now.Add(r.maxWait)})
	if len(r.unanswered) > maxUnanswered {
		return r.recordFirst()
	}
	return nil
}

// ask asks the query of a record, if it has one.
func (r *recorder) ask(q *enrich.Query) (enrich.Answer, bool) {
	if r.enricher == nil || q.Empty() {
		return enrich.Answer{}, true
	}
	return r.enricher.Ask(*q)
}

// recordAnswered hands over the records that have their answers or have waited for
// long enough, and returns how many are left.
func (r *recorder) recordAnswered() (int, error) {
	for len(r.unanswered) > 0 {
		first := &r.unanswered[0]
		var all bool
		if first.Answer, all = r.ask(&first.query); !all && r.now().Before(first.until) {
			break
		}
		if err := r.recordFirst(); err != nil {
			return 0, err
		}
	}
	return len(r.unanswered), nil
}

func (r *recorder) recordFirst() error {
	first := r.unanswered[0].located
	r.unanswered[0] = unansweredRecord{}
	r.unanswered = r.unanswered[1:]
	return r.record(&first)
}

// recordAll waits for answers once more and records all that is left.
func (r *recorder) recordAll() error {
	for range r.maxWait / pause {
		if left, err := r.recordAnswered(); err != nil || left == 0 {
			return err
		}
		time.Sleep(pause)
	}
	for len(r.unanswered) > 0 {
		if err := r.recordFirst(); err != nil {
			return err
		}
	}
	return nil
}

func (r *recorder) record(l *located) error {
	r.places.remember(placeOf(l.Cause, l.namespace, &l.Event), &l.Record)
	r.unflushed = true
	return r.sink.Record(l.Record)
}
