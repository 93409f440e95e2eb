// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"errors"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
)

// finder knows where each network namespace is found.
type finder struct {
	known netns.Locations
	// next is when it is fair to search again: not deeply, and deeply.
	next [2]time.Time
	now  func() time.Time
}

func newFinder(now func() time.Time) *finder {
	return &finder{known: netns.Discover(false), now: now}
}

// run does the readings one after the other. Those in namespaces that are not to
// be found or entered come back with nothing. Where it is too soon to search they
// are left undone.
func (f *finder) run(readings []*reading) {
	if len(readings) == 0 {
		return
	}
	searched := f.find(readings)
	var possible []*reading
	for _, r := range readings {
		if searched || f.finds(r) {
			r.began, r.names = f.now(), map[uint32]string{}
			possible = append(possible, r)
		}
	}
	_ = netns.OnThread(func(t *netns.Thread) error {
		for _, r := range possible {
			f.read(t, r)
		}
		return nil
	})
}

func (f *finder) read(t *netns.Thread, r *reading) {
	r.began = f.now()
	err := t.Do(f.known[r.id.Inode], r.id, func(id netns.ID) error {
		if id.Cookie != 0 {
			r.id = id
		}
		r.read()
		return nil
	})
	r.gone = errors.Is(err, netns.ErrReplaced)
	r.took = f.now().Sub(r.began)
}

// find makes sure that it is known where each namespace is, if it is anywhere, and
// says whether it could.
func (f *finder) find(readings []*reading) bool {
	lost := func(r *reading) bool { return !f.finds(r) }
	if !slices.ContainsFunc(readings, lost) {
		return true
	}
	if !f.search(false) {
		return false
	}
	if slices.ContainsFunc(readings, lost) {
		f.search(true)
	}
	return true
}

func (f *finder) finds(r *reading) bool {
	at := f.known[r.id.Inode]
	return at.LeadsTo(r.id.Inode)
}

// search looks for all namespaces, unless it is too soon.
func (f *finder) search(deep bool) bool {
	next := &f.next[0]
	least := leastWait
	if deep {
		next, least = &f.next[1], refresh
	}
	began := f.now()
	if began.Before(*next) {
		return false
	}
	f.known = netns.Discover(deep).OrKnown(f.known)
	ended := f.now()
	*next = ended.Add(max(least, share*ended.Sub(began)))
	return true
}
