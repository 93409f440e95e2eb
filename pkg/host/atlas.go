// SPDX-License-Identifier: Apache-2.0

package host

import (
	"slices"
	"time"
)

// atlas knows the way to each network namespace.
type atlas struct {
	known places
	// next is when it is fair to search again: not deeply, and deeply.
	next [2]time.Time
	now  func() time.Time
}

func newAtlas(now func() time.Time) *atlas {
	return &atlas{known: scan(false), now: now}
}

// run does the errands one after the other. Those to namespaces that are not to
// be found or entered come back with nothing. Where it is too soon to search
// they are left undone.
func (a *atlas) run(errands []*errand) {
	if len(errands) == 0 {
		return
	}
	searched := a.find(errands)
	var possible []*errand
	for _, e := range errands {
		if searched || a.finds(e) {
			e.began, e.names = a.now(), map[uint32]string{}
			possible = append(possible, e)
		}
	}
	_ = travel(func(t *traveller) error {
		for _, e := range possible {
			e.began = a.now()
			_ = t.visitPlace(a.known[e.netns], e.netns, e.do)
			e.took = a.now().Sub(e.began)
		}
		return nil
	})
}

// find makes sure that the way to each namespace is known, if there is one, and
// says whether it could.
func (a *atlas) find(errands []*errand) bool {
	lost := func(e *errand) bool { return !a.finds(e) }
	if !slices.ContainsFunc(errands, lost) {
		return true
	}
	if !a.search(false) {
		return false
	}
	if slices.ContainsFunc(errands, lost) {
		a.search(true)
	}
	return true
}

func (a *atlas) finds(e *errand) bool {
	at := a.known[e.netns]
	return at.leadsTo(e.netns)
}

// search looks for all namespaces, unless it is too soon.
func (a *atlas) search(deep bool) bool {
	next := &a.next[0]
	least := gap
	if deep {
		next, least = &a.next[1], refresh
	}
	began := a.now()
	if began.Before(*next) {
		return false
	}
	a.known = scan(deep).or(a.known)
	ended := a.now()
	*next = ended.Add(max(least, share*ended.Sub(began)))
	return true
}
