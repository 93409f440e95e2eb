// SPDX-License-Identifier: Apache-2.0

package host

import (
	"cmp"
	"maps"
	"slices"
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
	// few is how many new tasks are looked for by their numbers: a list of all
	// processes costs as much as to ask for some hundreds that are not there.
	few = 128
)

// census makes scans in a row cheaper: to look at every process once a second
// would cost more than all the rest of an idle run.
type census struct {
	now     func() time.Time
	files   procReader
	scanned time.Time // when all processes were looked at
	newest  int       // task that was seen, 0 for none yet
	// born is when each young task was first seen.
	born map[int]time.Time
}

func newCensus(now func() time.Time) census {
	return census{now: now, born: map[int]time.Time{}}
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

// young lists the tasks that were first seen a short while ago, in the order of
// their numbers. Some are gone, and some are threads.
func (c *census) young(now time.Time) []int {
	maps.DeleteFunc(c.born, func(_ int, born time.Time) bool { return now.Sub(born) >= childhood })
	if newest, ok := c.newestTask(); ok && newest != c.newest {
		before := cmp.Or(c.newest, max(newest-few, 1))
		for _, pid := range tasksSince(before, newest) {
			c.born[pid] = now
		}
		c.newest = newest
	}
	return slices.Sorted(maps.Keys(c.born))
}

// tasksSince lists what may have been started after the task before, up to the
// newest. The kernel gives out numbers in their order, from the lowest again when
// they are used up (kernel/pid.c:alloc_pid).
func tasksSince(before, newest int) []int {
	var tasks []int
	if before < newest && newest-before <= few {
		for pid := before + 1; pid <= newest; pid++ {
			tasks = append(tasks, pid)
		}
		return tasks
	}
	for _, name := range names(procDir) {
		pid, err := strconv.Atoi(name)
		after, upTo := pid > before, pid <= newest
		if err == nil && (after && upTo || newest < before && (after || upTo)) {
			tasks = append(tasks, pid)
		}
	}
	return tasks
}

// newestTask is the number of the task that was started last, which is the last
// field of /proc/loadavg.
func (c *census) newestTask() (int, bool) {
	text, err := c.files.read(procDir + "/loadavg")
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(text)
	if len(fields) != 5 {
		return 0, false
	}
	newest, err := strconv.Atoi(fields[4])
	return newest, err == nil
}
