// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"strconv"
	"strings"
	"time"

	"github.com/synwatch/synwatch/pkg/proc"
)

const (
	// searchEvery is the longest time between two looks at all processes.
	searchEvery = 5 * time.Second
	// youngFor is how long a process is looked at every time: what starts in a
	// namespace of its own is started elsewhere and enters it soon.
	youngFor = 3 * time.Second
	// censusShare bounds the time that censuses may take: one part in so many.
	censusShare = 400
)

// Finder finds the network namespaces again and again. To look at every process
// once a second would cost more than all the rest of a trace that has nothing to
// do.
type Finder struct {
	now      func() time.Time
	files    proc.Reader
	known    Locations
	searched time.Time     // when all processes were looked at
	cost     time.Duration // of that, by a Census
	newest   string        // process by then
	// born is when each process was first seen.
	born map[int]time.Time
}

// NewFinder returns a Finder that knows no namespace.
func NewFinder() *Finder { return &Finder{now: time.Now, known: Locations{}} }

// Find returns the network namespaces as Discover does, and those that were known
// before and are still there. Mostly it looks no further than at these, at fixed
// places and at young processes: at all processes only from time to time, and
// when a namespace seems to be gone. What a process enters that was started more
// than a few seconds ago may be found some seconds late. With a Census it looks at all of
// them, as often as that is worth its cost.
func (f *Finder) Find(deep bool) Locations {
	now := f.now()
	if inUse.Load() != nil {
		return f.count(deep, now)
	}
	young := f.young(now)
	if !deep && now.Sub(f.searched) < searchEvery && f.known.current() {
		for _, pid := range young {
			f.known.addProcess(pid)
		}
		f.known.addFixed()
		return f.known
	}
	return f.Search(deep)
}

// count finds them by a Census, unless the last one was a short while ago.
func (f *Finder) count(deep bool, now time.Time) Locations {
	if !deep && now.Sub(f.searched) < min(censusShare*f.cost, searchEvery) {
		f.known.addFixed()
		return f.known
	}
	f.Search(deep)
	f.cost = f.now().Sub(f.searched)
	return f.known
}

// Search looks at all processes, deeply or not, as Discover does, and adds what was known
// before and is still there.
func (f *Finder) Search(deep bool) Locations {
	f.searched = f.now()
	f.known = Discover(deep).OrKnown(f.known)
	return f.known
}

// At is where a namespace was found last.
func (f *Finder) At(inode uint32) Location { return f.known[inode] }

// current says whether the best way to each namespace still is one.
func (ls Locations) current() bool {
	for inode, at := range ls {
		if !leadsTo(at.paths[0], inode) {
			return false
		}
	}
	return true
}

// young lists the processes that were first seen a short while ago.
func (f *Finder) young(now time.Time) []int {
	if newest, ok := f.newestTask(); !ok || newest != f.newest {
		f.newest = newest
		f.notice(now)
	}
	var young []int
	for pid, born := range f.born {
		if now.Sub(born) < youngFor {
			young = append(young, pid)
		}
	}
	return young
}

// notice looks which processes there are.
func (f *Finder) notice(now time.Time) {
	born := make(map[int]time.Time, len(f.born))
	for _, name := range proc.List(proc.Dir) {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if at, known := f.born[pid]; known {
			born[pid] = at
		} else {
			born[pid] = now
		}
	}
	f.born = born
}

// newestTask is the number of the task that was started last, which is the last
// field of /proc/loadavg. It counts on until it wraps around, so that it stays
// the same as long as none is started.
func (f *Finder) newestTask() (string, bool) {
	text, err := f.files.Read(proc.Dir + "/loadavg")
	if err != nil {
		return "", false
	}
	fields := strings.Fields(text)
	if len(fields) != 5 {
		return "", false
	}
	return fields[4], true
}
