// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"sync"
	"time"

	"github.com/synwatch/synwatch/pkg/nstat"
)

// reader reads the kernel's counters beside the loop: on a machine with many processes and
// network namespaces that takes seconds, in which drops are read all the same. There is at
// most one reading at a time.
type reader struct {
	counters Counters
	now      func() time.Time
	// results has the reading that is done. It has room, so that no reading waits for the
	// loop.
	results chan reading
	running sync.WaitGroup
	busy    bool // the loop's own
}

// reading is one of the counters.
type reading struct {
	nstat.Reading
	err  error
	deep bool
	// number says what the loop knew of namespaces when it began; see namespaces.begin.
	number       int
	began, ended time.Time
}

func newReader(cfg *Config) *reader {
	return &reader{counters: cfg.Counters, now: cfg.Now, results: make(chan reading, 1)}
}

// read makes a reading in the calling goroutine.
func (r *reader) read(number int, wanted nstat.Wanted) reading {
	made := reading{number: number, deep: wanted.Deep, began: r.now()}
	made.Reading, made.err = r.counters.Sample(wanted)
	made.ended = r.now()
	return made
}

// begin begins a reading in a goroutine of its own, which calls wake when it is done.
func (r *reader) begin(number int, wanted nstat.Wanted, wake func()) {
	r.busy = true
	r.running.Go(func() {
		r.results <- r.read(number, wanted)
		wake()
	})
}

// done returns the reading that was begun if it is done.
func (r *reader) done() (made reading, done bool) {
	select {
	case made = <-r.results:
		r.busy = false
		return made, true
	default:
		return made, false
	}
}

// finish waits for the reading that was begun, if there is one, and returns it.
func (r *reader) finish() (made reading, done bool) {
	r.running.Wait()
	return r.done()
}
