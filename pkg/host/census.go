// SPDX-License-Identifier: Apache-2.0

package host

import (
	"strconv"
	"strings"
	"time"
)

const (
	// scanEvery is the longest time between two scans of all processes.
	scanEvery = 5 * time.Second
	// childhood is how long a process is looked at every time: what starts in a
	// namespace of its own is started elsewhere and enters it soon.
	childhood = 3 * time.Second
)

// census makes scans in a row cheaper: to look at every process once a second
// would cost more than all the rest of an idle run.
type census struct {
	now     func() time.Time
	files   procReader
	scanned time.Time // when all processes were looked at
	newest  string    // process by then
	// born is when each process was first seen.
	born map[int]time.Time
}

// scan finds network namespaces as the function of that name does, and those
// that were known before and are still there. Mostly it looks no further than at
// these, at fixed places and at young processes: at all processes only from time
// to time, and when a namespace seems to be gone.
func (c *census) scan(deep bool, known places) places {
	now := c.now()
	young := c.young(now)
	if !deep && now.Sub(c.scanned) < scanEvery && known.hold() {
		for _, pid := range young {
			known.addProcess(pid)
		}
		known.addFixed()
		return known
	}
	c.scanned = now
	return scan(deep).or(known)
}

// hold says whether the best way to each namespace still is one.
func (p places) hold() bool {
	for inum, at := range p {
		if !leadsTo(at.paths[0], inum) {
			return false
		}
	}
	return true
}

// young lists the processes that were first seen a short while ago.
func (c *census) young(now time.Time) []int {
	if newest, ok := c.newestTask(); !ok || newest != c.newest {
		c.newest = newest
		c.count(now)
	}
	var young []int
	for pid, born := range c.born {
		if now.Sub(born) < childhood {
			young = append(young, pid)
		}
	}
	return young
}

// count looks which processes there are.
func (c *census) count(now time.Time) {
	born := make(map[int]time.Time, len(c.born))
	for _, name := range names(procDir) {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if at, known := c.born[pid]; known {
			born[pid] = at
		} else {
			born[pid] = now
		}
	}
	c.born = born
}

// newestTask is the number of the task that was started last, which is the last
// field of /proc/loadavg. It counts on until it wraps around, so that it stays
// the same as long as none is started.
func (c *census) newestTask() (string, bool) {
	text, err := c.files.read(procDir + "/loadavg")
	if err != nil {
		return "", false
	}
	fields := strings.Fields(text)
	if len(fields) != 5 {
		return "", false
	}
	return fields[4], true
}
