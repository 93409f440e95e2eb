// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"maps"
	"slices"

	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/stream"
)

// maxSampled bounds the elements of a kind. A machine with more namespaces or listeners
// than that has those of the first.
const maxSampled = 65536

// sampled is what the samples say, as the newest of each key has it.
type sampled struct {
	losses    event.Losses
	merged    uint64
	queues    map[stream.QueueKey]stream.Queue
	tables    map[netns.ID]stream.Table
	reconcile map[stream.RowKey]stream.Row
	unseen    []stream.UnseenTotal
	findings  []diagnose.Finding
}

func newSampled() sampled {
	return sampled{
		queues: map[stream.QueueKey]stream.Queue{}, tables: map[netns.ID]stream.Table{}, reconcile: map[stream.RowKey]stream.Row{},
	}
}

func (s *sampled) take(sample *stream.Sample) {
	s.losses, s.merged = sample.Losses, sample.Merged
	for _, q := range sample.Queues {
		put(s.queues, q.Key(), q, q.Gone())
	}
	for _, t := range sample.Tables {
		put(s.tables, t.Netns, t, t.Gone())
	}
	for _, r := range sample.Reconcile {
		put(s.reconcile, r.Key(), r, r.Gone())
	}
	if sample.Unseen != nil {
		s.unseen = sample.Unseen
	}
	if sample.Findings != nil {
		s.findings = sample.Findings
	}
}

// replace takes a sample that holds all that is known but queues and tables.
func (s *sampled) replace(whole *stream.Sample) {
	s.reconcile, s.unseen, s.findings = map[stream.RowKey]stream.Row{}, nil, nil
	s.take(whole)
}

func put[K comparable, V any](m map[K]V, key K, v V, gone bool) {
	if gone {
		delete(m, key)
	} else if _, known := m[key]; known || len(m) < maxSampled {
		m[key] = v
	}
}

// The elements are in the order of their keys.

func (s *sampled) allQueues() []stream.Queue {
	return slices.SortedFunc(maps.Values(s.queues), func(a, b stream.Queue) int {
		return cmp.Or(a.Netns.Compare(b.Netns), a.Listen.Compare(b.Listen))
	})
}

func (s *sampled) allTables() []stream.Table {
	return slices.SortedFunc(maps.Values(s.tables), func(a, b stream.Table) int { return a.Netns.Compare(b.Netns) })
}

func (s *sampled) allRows() []stream.Row {
	return slices.SortedFunc(maps.Values(s.reconcile), func(a, b stream.Row) int {
		return cmp.Or(cmp.Compare(a.Netns, b.Netns), cmp.Compare(a.Cookie, b.Cookie), cmp.Compare(a.Counter, b.Counter))
	})
}
