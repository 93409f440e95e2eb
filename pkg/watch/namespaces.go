// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"cmp"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/nstat"
)

const (
	// maxGone bounds the network namespaces that are gone and that are shown one
	// by one. A node may see hundreds of thousands in a week.
	maxGone = 1024
	// goneFor is how long a namespace must be missing from the samples before it
	// counts as gone: a quick sample may miss it.
	goneFor = 10 * time.Second
)

// deltas is how far counters moved, by name. Those that did not are missing.
type deltas map[string]uint64

func (d deltas) add(counter string, n uint64) {
	if n > 0 {
		d[counter] += n
	}
}

func (d deltas) addAll(o deltas) {
	for counter, n := range o {
		d[counter] += n
	}
}

func (d deltas) total() (sum uint64) {
	for _, n := range d {
		sum += n
	}
	return sum
}

// reconciled is both sides of the reconciliation.
type reconciled struct {
	moved deltas // of the kernel's counters
	// uncertain is what moved while the hooks were being switched on or off.
	uncertain  deltas
	attributed deltas
}

func newReconciled() reconciled {
	return reconciled{moved: deltas{}, uncertain: deltas{}, attributed: deltas{}}
}

func (r *reconciled) addAll(o *reconciled) {
	r.moved.addAll(o.moved)
	r.uncertain.addAll(o.uncertain)
	r.attributed.addAll(o.attributed)
}

// namespace is what a run knows of one network namespace.
type namespace struct {
	id netns.ID
	// name is its name, once it was looked up (named).
	name  string
	named bool
	met   bool // by an event
	// searched says that a deep reading was wanted for it, and awaited that this is yet to
	// be entered.
	searched, awaited bool

	born   int          // the number of readings that had begun when it was made
	last   nstat.Values // of the newest sample that had it, nil for none
	sample int          // the number of that sample
	seen   time.Time    // when it was last in a sample, or made
	read   time.Time    // when the values of that were read
	reconciled
}

// add enters a sample of the namespace. A counter that is seen for the first time
// has moved from zero.
func (n *namespace) add(values nstat.Values, switching bool) {
	if n.last == nil {
		n.last = make(nstat.Values, len(values))
	}
	for counter, v := range values {
		delta := nstat.Delta(v, n.last[counter])
		n.last[counter] = v
		n.moved.add(counter, delta)
		if switching {
			n.uncertain.add(counter, delta)
		}
	}
}

// namespaces are the network namespaces of a run.
type namespaces struct {
	table *netns.Table[namespace]
	// only are the inode numbers of those to reconcile; empty for all.
	only []uint32
	// counters are those that the kernel has.
	counters map[string]bool
	// gone sums up those that are not kept one by one any more.
	gone    reconciled
	numGone int
	samples int // so far
	begun   int // readings so far, of which the last may not be a sample yet
}

// newNamespaces begins at the baseline.
func newNamespaces(base nstat.Sample, only []uint32, now time.Time) *namespaces {
	ns := &namespaces{table: netns.NewTable[namespace](), only: only, counters: map[string]bool{}, gone: newReconciled()}
	ns.add(&nstat.Reading{Sample: base}, ns.begin(), false, now)
	for _, n := range ns.table.All() {
		clear(n.moved)
	}
	return ns
}

// begin returns the number of the reading that begins now. By that it is known, when the
// reading is entered, which namespaces were met after it had begun.
func (ns *namespaces) begin() int {
	ns.begun++
	return ns.begun
}

// of finds the namespace of a record, or adds it.
func (ns *namespaces) of(id netns.ID, now time.Time) *namespace {
	n := ns.table.Get(id)
	switch {
	case n == nil:
		ns.forget(now)
		return ns.create(id, now)
	case n.id.Cookie == 0:
		n.id = id // of which the cookie may be known by now
	}
	return n
}

// create adds a namespace, which has its inode number from now on.
func (ns *namespaces) create(id netns.ID, now time.Time) *namespace {
	n := &namespace{id: id, born: ns.begun, seen: now, reconciled: newReconciled()}
	ns.table.Add(id, n)
	return n
}

// sampled finds the namespace that the reading with this number has values of, or adds
// it. Where user space cannot read the cookie, it is nil if a record told of a namespace
// with the inode number after the reading had begun: the values may be those of the one
// before. There, a counter that went back shows that a new namespace has the number. If
// no record had the cookie of the old one, the two cannot be distinguished.
func (ns *namespaces) sampled(id netns.ID, values nstat.Values, number int, now time.Time) *namespace {
	n := ns.table.Get(id)
	switch {
	case n == nil:
		return ns.createSampled(id, number, now)
	case id.Cookie == 0 && n.born >= number:
		return nil
	case n.id.Cookie == 0:
		n.id = id
	}
	if id.Cookie != 0 || !nstat.Fell(values, n.last) {
		return n
	}
	if n.id.Cookie == 0 {
		n.last = nil
		return n
	}
	return ns.create(id, now)
}

// createSampled adds a namespace. It does not have its inode number any more if a record
// told of another one after the reading had begun.
func (ns *namespaces) createSampled(id netns.ID, number int, now time.Time) *namespace {
	newest := ns.table.Get(netns.ID{Inode: id.Inode})
	n := ns.create(id, now)
	if newest != nil && newest.born >= number {
		ns.table.Add(newest.id, newest)
	}
	return n
}

// add enters the sample of the reading with this number. What is missing stays as it was
// last.
func (ns *namespaces) add(r *nstat.Reading, number int, switching bool, now time.Time) {
	ns.samples++
	for id, values := range r.Sample {
		n := ns.sampled(id, values, number, now)
		if n == nil {
			continue
		}
		n.sample, n.seen = ns.samples, now
		if r.Again[id] && n.last != nil {
			continue
		}
		n.read = now
		n.add(values, switching)
		for counter := range values {
			ns.counters[counter] = true
		}
	}
	ns.forget(now)
}

// here says whether a namespace is in the newest sample.
func (ns *namespaces) here(n *namespace) bool { return n.sample == ns.samples }

// forget sums up namespaces that are gone when there are too many of them: first
// those that have been gone for long, and of these those with the least to show.
func (ns *namespaces) forget(now time.Time) {
	if ns.table.Len() <= maxGone {
		return
	}
	var gone []*namespace
	for _, n := range ns.table.All() {
		if !ns.here(n) {
			gone = append(gone, n)
		}
	}
	if len(gone) <= maxGone {
		return
	}
	recent := func(n *namespace) int {
		if now.Sub(n.seen) < goneFor {
			return 1
		}
		return 0
	}
	slices.SortFunc(gone, func(a, b *namespace) int {
		return cmp.Or(cmp.Compare(recent(a), recent(b)),
			cmp.Compare(a.moved.total()+a.attributed.total(), b.moved.total()+b.attributed.total()), a.seen.Compare(b.seen))
	})
	for _, n := range gone[:len(gone)-maxGone/2] {
		ns.sumUp(n)
	}
}

// sumUp adds a namespace to the sum of those that are gone.
func (ns *namespaces) sumUp(n *namespace) {
	ns.table.Remove(n.id)
	n.last = nil
	if !ns.reconciles(n.id.Inode) {
		return
	}
	ns.gone.addAll(&n.reconciled)
	ns.numGone++
}

// reconciles says whether a namespace is one to reconcile.
func (ns *namespaces) reconciles(inode uint32) bool {
	return len(ns.only) == 0 || slices.Contains(ns.only, inode)
}

// sorted lists the namespaces to reconcile in which something happened by inode number.
func (ns *namespaces) sorted() []*namespace {
	var all []*namespace
	for _, n := range ns.table.All() {
		if ns.reconciles(n.id.Inode) && len(n.moved)+len(n.attributed) > 0 {
			all = append(all, n)
		}
	}
	slices.SortFunc(all, func(a, b *namespace) int { return a.id.Compare(b.id) })
	return all
}
