// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"cmp"
	"maps"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/stream"
)

// measuring is what the loop remembers of its last measure.
type measuring struct {
	next     time.Time
	sampled  bool      // the counters were since the measure before
	findings time.Time // when they are fair to work out again
	news     uint64    // of the places, by then
}

// measured is what the loop tells the sampler of itself. It shares nothing that changes.
type measured struct {
	time   time.Time
	losses event.Losses
	merged uint64
	rows   []stream.Row
	unseen []stream.UnseenTotal
	// spaces are the machine's own network namespace and those of records and of their
	// targets, those with the most first.
	spaces    []space
	listeners []listenerSeen
	// counted is for the findings, nil if these are as they were.
	counted []counted
}

// space is a network namespace.
type space struct {
	id   netns.ID
	name string
}

// listenerSeen is a listener that drops were recorded of.
type listenerSeen struct {
	netns    netns.ID
	dst      netip.AddrPort // of the newest record
	listener *enrich.Listener
	// requests says that it is about the queue of requests.
	requests bool
	count    uint64
}

// nextMeasure is when the sampler is to be told how the run stands: soon after the counters
// were sampled, when the drops that moved them were read, unless that is long ago or takes
// long.
func (w *watcher) nextMeasure() (at time.Time, due bool) {
	next, sample := w.measuring.next, w.schedule.next
	switch {
	case w.Samples == 0:
		return time.Time{}, false
	case w.measuring.sampled:
		return next, true
	case w.reader.busy:
		return next.Add(w.Samples), true
	case sample.Before(next.Add(w.Samples)) && sample.After(next):
		return sample, true
	}
	return next, true
}

// toMeasure says whether it is time for that.
func (w *watcher) toMeasure(now time.Time) bool {
	at, due := w.nextMeasure()
	return due && !now.Before(at)
}

// measure tells the sampler how the run stands, unless that is still busy with the
// measure before.
func (w *watcher) measure(now time.Time) {
	w.measuring.next, w.measuring.sampled = now.Add(w.Samples), false
	if !w.sampler.ready() {
		return
	}
	losses, err := w.Source.Losses()
	if err != nil {
		w.sampler.skip() // it is said at the end, where they are read again
		return
	}
	m := measured{time: now, losses: losses, merged: w.merged}
	m.rows, m.unseen = w.reconcile(losses)
	m.spaces, m.listeners = w.whereabouts()
	m.counted = w.countedNow(now)
	w.sampler.take(m)
}

// own is the machine's own network namespace.
func (w *watcher) own() netns.ID { return w.known(netns.ID{Inode: w.Machine.Netns}) }

// countedNow copies what was counted so far, if there are news and the last time, which
// has taken a while, was long enough ago.
func (w *watcher) countedNow(now time.Time) []counted {
	news := w.places.newest()
	if news == w.measuring.news || now.Before(w.measuring.findings) {
		return nil
	}
	all := w.counted(now)
	for i := range all {
		all[i].BySource, all[i].Running = maps.Clone(all[i].BySource), true
	}
	w.measuring.news = news
	w.measuring.findings = now.Add(sampleShare * w.Now().Sub(now))
	return all
}

func (p *places) newest() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.news
}

// whereabouts are the network namespaces of the places, with that of the machine first,
// and the listeners there.
func (w *watcher) whereabouts() ([]space, []listenerSeen) {
	w.places.mu.Lock()
	defer w.places.mu.Unlock()
	own := w.own()
	counts, names := map[netns.ID]uint64{own: math.MaxUint64}, map[netns.ID]string{}
	var listeners []listenerSeen
	for where, here := range w.places.of {
		at := where.netns.id
		counts[at], names[at] = more(counts[at], here.count), w.name(where.netns)
		if t := here.answer.Target; t != nil {
			at = w.known(t.Netns)
			counts[at], names[at] = more(counts[at], here.count), cmp.Or(names[at], t.Name)
		}
		if l := here.answer.Listener; l != nil {
			listeners = append(listeners, listenerSeen{at, here.dst, l, where.cause.Evidence.Has(cause.SynQueue), here.count})
		}
	}
	var spaces []space
	for id := range counts {
		spaces = append(spaces, space{id, names[id]})
	}
	slices.SortFunc(spaces, func(a, b space) int {
		return cmp.Or(cmp.Compare(counts[b.id], counts[a.id]), a.id.Compare(b.id))
	})
	slices.SortFunc(listeners, func(a, b listenerSeen) int {
		return cmp.Or(cmp.Compare(b.count, a.count), a.netns.Compare(b.netns), a.dst.Compare(b.dst))
	})
	return spaces, listeners
}

// more adds without an overflow.
func more(n, by uint64) uint64 { return n + min(by, math.MaxUint64-n) }

// known is a network namespace as the records tell it, which may know more of it.
func (w *watcher) known(id netns.ID) netns.ID {
	if id.Cookie != 0 {
		return id
	}
	if n := w.namespaces.table.Get(id); n != nil {
		return n.id
	}
	return id
}
