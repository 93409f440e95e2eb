// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"maps"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
)

const (
	// firstPause is how long a namespace is left alone when nothing has moved in it. It
	// is so many times as long after each reading, up to lastPause.
	firstPause = time.Second
	pauseGrows = 8
	lastPause  = time.Minute
)

// Wanted says what a sample is for.
type Wanted struct {
	// Deep finds also the namespaces that are kept only by another process's open file,
	// at a cost in proportion to the number of these.
	Deep bool
	// All reads in every namespace. Otherwise one in which nothing has moved for a while,
	// and which is certain to be the same, has the values of its last reading, which is
	// at most a minute old.
	All bool
	// Netns are namespaces that are read in any case.
	Netns []netns.ID
	// Sought are those that a deep sample is for: where they are found without, it is not
	// deep. Without any it is.
	Sought []netns.ID
}

// quiet is what was read of a namespace, to be shown again as long as nothing moves in it.
type quiet struct {
	id     netns.ID
	cookie uint64 // as the census tells it
	values Values
	lack   error
	read   time.Time
	pause  time.Duration
}

// again is what was read of a namespace if that is good enough for a sample; nil if not.
func (s *Sampler) again(inode uint32, at netns.Location, w *Wanted, now time.Time) *quiet {
	q := s.quiet[inode]
	switch {
	case q == nil, w.All, at.Cookie() == 0, at.Cookie() != q.cookie:
		return nil
	case now.Sub(q.read) >= spread(inode, q.pause):
		return nil
	}
	for _, id := range w.Netns {
		if !id.Differs(q.id) {
			return nil
		}
	}
	return q
}

// spread keeps namespaces that were found at once from being read at once for ever: each
// has a pause of its own, of three quarters of the given one or more.
func spread(inode uint32, pause time.Duration) time.Duration {
	const steps = 64
	return pause - pause/4*time.Duration(inode%steps)/steps
}

// remember keeps what was read of a namespace.
func (s *Sampler) remember(q quiet) {
	old := s.quiet[q.id.Inode]
	same := old != nil && old.cookie == q.cookie && maps.Equal(old.values, q.values)
	switch {
	case !same:
		q.pause = 0 // it is read with the next sample
	case old.pause == 0:
		q.pause = firstPause
	default:
		q.pause = min(pauseGrows*old.pause, lastPause)
	}
	s.quiet[q.id.Inode] = &q
}

// forget forgets the namespaces that are gone.
func (s *Sampler) forget(found netns.Locations) {
	maps.DeleteFunc(s.quiet, func(inode uint32, _ *quiet) bool {
		_, here := found[inode]
		return !here
	})
}
