// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/synwatch/synwatch/pkg/stream"
)

// sampler is the goroutine that makes the samples: it looks at the machine, and says what
// has changed since the sample before. It never holds up the loop, which leaves out a
// measure while the sampler is busy.
type sampler struct {
	gauges Gauges
	now    func() time.Time
	send   func(message) error

	// token is there while the sampler has nothing to do.
	token    chan struct{}
	measures chan measured
	stopping atomic.Bool
	running  sync.WaitGroup

	// These are the goroutine's own.
	last     stream.Sample // of which Losses, Merged and Unseen were told
	rows     rowsTold
	fill     fillTold
	findings findingsTold
}

// newSampler returns one that runs if there are to be samples.
func newSampler(cfg *Config, send func(message) error) *sampler {
	s := &sampler{
		gauges: cfg.Gauges, now: cfg.Now, send: send, token: make(chan struct{}, 1), measures: make(chan measured, 1),
		rows: rowsTold{}, fill: newFillTold(), findings: newFindingsTold(cfg),
	}
	s.token <- struct{}{}
	if cfg.Samples > 0 {
		s.running.Go(s.follow)
	}
	return s
}

// ready says whether the sampler has nothing to do. Then it must be given something, by
// take or skip.
func (s *sampler) ready() bool {
	select {
	case <-s.token:
		return true
	default:
		return false
	}
}

func (s *sampler) take(m measured) { s.measures <- m }

func (s *sampler) skip() { s.token <- struct{}{} }

// stop ends the sampler, also when it is called again: nothing more comes from it.
func (s *sampler) stop() {
	if !s.stopping.Swap(true) {
		close(s.measures)
	}
	s.running.Wait()
}

func (s *sampler) follow() {
	for m := range s.measures {
		if sample, changed := s.sample(&m); changed && !s.stopping.Load() {
			// An error is that of the recorder, of which the loop knows.
			_ = s.send(message{call: func(to stream.Sink) error { return to.Sample(sample) }})
		}
		s.token <- struct{}{}
	}
}

// sample says what has changed, and whether anything has.
func (s *sampler) sample(m *measured) (sample stream.Sample, changed bool) {
	sample = stream.Sample{Time: m.time, Losses: m.losses, Merged: m.merged, Reconcile: s.rows.changed(m.rows)}
	if !slices.EqualFunc(m.unseen, s.last.Unseen, sameUnseen) {
		sample.Unseen, s.last.Unseen = m.unseen, m.unseen
	}
	s.gauge(m, &sample)
	sample.Findings = s.findings.changed(m, s.stopping.Load)
	changed = sample.Losses != s.last.Losses || sample.Merged != s.last.Merged || sample.Queues != nil || sample.Tables != nil ||
		sample.Reconcile != nil || sample.Unseen != nil || sample.Findings != nil
	s.last.Losses, s.last.Merged = sample.Losses, sample.Merged
	return sample, changed
}

// gauge adds how full queues and tables are, unless it takes too long to look again.
func (s *sampler) gauge(m *measured, sample *stream.Sample) {
	if s.gauges == nil || s.stopping.Load() || m.time.Before(s.fill.next) {
		return
	}
	began := s.now()
	sample.Queues, sample.Tables = s.fill.changed(m, s.gauges.Read(s.fill.wanted(m)))
	s.fill.next = m.time.Add(sampleShare * s.now().Sub(began))
}

func sameUnseen(a, b stream.UnseenTotal) bool { return a.Counter == b.Counter && a.Count == b.Count }

// rowsTold are the rows of the reconciliation as they were told last.
type rowsTold map[stream.RowKey]stream.Row

// changed are the rows that are not as they were told. Those that there are no more, as
// their namespace was summed up with others, have nothing on either side.
func (told rowsTold) changed(rows []stream.Row) []stream.Row {
	var changed []stream.Row
	here := make(map[stream.RowKey]bool, len(rows))
	for _, r := range rows {
		key := r.Key()
		here[key] = true
		if told[key] != r {
			told[key] = r
			changed = append(changed, r)
		}
	}
	for key := range told {
		if !here[key] {
			delete(told, key)
			changed = append(changed, stream.Row{Netns: key.Netns, Cookie: key.Cookie, Counter: key.Counter})
		}
	}
	return changed
}
