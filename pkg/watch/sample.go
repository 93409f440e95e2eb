// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/nstat"
)

const (
	// sampleEvery is the time between two samples of the counters: one is
	// needed of each namespace before it goes.
	sampleEvery = time.Second
	// sampleShare bounds the time that sampling may take: one part in so many.
	sampleShare = 20
	// searchShare is the same for a reading that was for namespaces which had just been met.
	searchShare = 8
)

// schedule is when samples of the counters are due, and for whom.
type schedule struct {
	next       time.Time
	nextSearch time.Time // when another deep one is fair
	// wanted are the namespaces for which a deep reading is to begin, sought those that
	// the one which is under way is for.
	wanted, sought []*namespace
	// met are those of events since the last reading began.
	met map[netns.ID]bool
}

// search asks for a deep reading for a namespace that no sample has held so far: it may
// be kept by a thread or an open file only, and it may soon be gone.
func (w *watcher) search(n *namespace) {
	n.met = true
	if n.last != nil || n.searched || !w.ended.IsZero() || w.Now().Before(w.schedule.nextSearch) {
		return
	}
	n.searched, n.awaited = true, true
	w.schedule.wanted = append(w.schedule.wanted, n)
}

// beginReading begins a reading of the counters if one is due, or wanted, and none is
// under way.
func (w *watcher) beginReading(now time.Time) {
	s := &w.schedule
	deep := len(s.wanted) > 0
	if w.reader.busy || !deep && now.Before(s.next) {
		return
	}
	s.sought, s.wanted = s.wanted, nil
	wanted := nstat.Wanted{Deep: deep, Netns: s.moved()}
	for _, n := range s.sought {
		wanted.Sought = append(wanted.Sought, n.id)
	}
	w.reader.begin(w.namespaces.begin(), wanted, w.Source.Wake)
}

// moved lists the namespaces that events were met of since the last reading began: there,
// counters have moved.
func (s *schedule) moved() []netns.ID {
	ids := slices.Collect(maps.Keys(s.met))
	clear(s.met)
	return ids
}

// sample reads the counters at once, for which nothing may be under way.
func (w *watcher) sample(deep, switching bool) {
	r := w.reader.read(w.namespaces.begin(), nstat.Wanted{Deep: deep, All: true})
	w.enter(&r, switching)
}

// enter enters a reading. The next one is due in a while that grows with what this one
// took.
func (w *watcher) enter(r *reading, switching bool) {
	if r.err != nil {
		w.Warn("read the kernel's counters: " + r.err.Error())
	} else {
		w.namespaces.add(&r.Reading, r.number, switching, r.began)
		w.directory = r.Directory
		w.rename()
	}
	w.measuring.sampled = true
	now, rest := w.Now(), sampleShare*r.ended.Sub(r.began)
	w.schedule.next = now.Add(max(sampleEvery, rest))
	if r.deep {
		w.schedule.nextSearch = now.Add(searchShare * r.ended.Sub(r.began))
	}
	w.schedule.settle(now)
}

// settle says, after a reading was entered, which namespaces are not waited for any more.
func (s *schedule) settle(now time.Time) {
	for _, n := range s.sought {
		n.awaited = false
	}
	s.sought = nil
	s.wanted = slices.DeleteFunc(s.wanted, func(n *namespace) bool {
		switch {
		case n.last != nil:
			n.awaited = false
		case now.Before(s.nextSearch): // it is searched for when it is met again
			n.awaited, n.searched = false, false
		}
		return !n.awaited
	})
}

// rename names the namespaces that events were met of, which may be gone before the next
// record. It follows the names, which change: a process that starts a container becomes it.
func (w *watcher) rename() {
	for _, n := range w.namespaces.table.All() {
		if (n.met || n.named) && w.namespaces.here(n) {
			n.name, n.named = cmp.Or(w.directory.Name(n.id), n.name), true
		}
	}
}

// name returns the name of a namespace, empty if it has none or is not found yet.
func (w *watcher) name(n *namespace) string {
	if !n.named && w.namespaces.here(n) {
		n.name, n.named = w.directory.Name(n.id), true
	}
	return n.name
}

// lack says why a counter that the kernel has is missing from a namespace.
func (w *watcher) lack(n *namespace, counter string) error {
	if !w.namespaces.here(n) {
		return nil
	}
	return w.directory.Lack(n.id, counter)
}
