// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"time"
)

// Sample is the counters of every network namespace that could be read, by the
// namespace's inode number.
type Sample map[uint32]Values

// Sampler reads the kernel's counters in all network namespaces. It holds none
// of them open between two samples, as that would keep them alive.
type Sampler struct {
	wanted map[string]bool
	files  procReader
	census census
	known  places
}

// NewSampler returns a Sampler of counters with these names.
func NewSampler(counters []string) *Sampler {
	s := &Sampler{wanted: map[string]bool{}, census: census{now: time.Now}, known: places{}}
	for _, name := range counters {
		s.wanted[name] = true
	}
	return s
}

// Sample reads the counters of the namespaces that a quick look finds and of
// those that were found before and are still there. What a process enters that
// was started more than a few seconds ago, a quick look may find some seconds
// late. A deep sample finds also
// those that are kept only by another process's thread or open file, at a cost
// in proportion to their number.
func (s *Sampler) Sample(deep bool) (Sample, error) {
	s.known = s.census.scan(deep, s.known)
	sample := Sample{}
	err := travel(func(t *traveller) error { return s.readAll(t, sample) })
	return sample, err
}

// readAll visits each namespace. Those that are gone by now, or that this
// process may not enter, are missing from the sample.
func (s *Sampler) readAll(t *traveller, into Sample) error {
	read := func(inum uint32) func() error {
		return func() (err error) {
			into[inum], err = s.readThread()
			return err
		}
	}
	if err := t.visit(ownNetns, t.own, read(t.own)); err != nil {
		return fmt.Errorf("read counters: %w", err)
	}
	for inum, at := range s.known {
		if inum == t.own {
			continue
		}
		if t.visitPlace(at, inum, read(inum)) != nil {
			delete(into, inum)
		}
	}
	return nil
}

// readThread reads the counters of the network namespace that the calling
// thread is in. The goroutine must be locked to the thread.
func (s *Sampler) readThread() (Values, error) {
	dir, err := threadDir()
	if err != nil {
		return nil, err
	}
	wanted := selection{s.wanted, make(Values, len(s.wanted))}
	err = readCounters(s.files.read, dir, &wanted)
	return wanted.values, err
}
