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
	counters []string
	census   census
	known    places
}

// NewSampler returns a Sampler of counters with these names.
func NewSampler(counters []string) *Sampler {
	return &Sampler{counters: counters, census: census{now: time.Now}, known: places{}}
}

// Sample reads the counters of the namespaces that a quick look finds and of
// those that were found before and are still there. What a process enters that
// was started more than a few seconds ago, a quick look may find some seconds
// late. A deep sample finds also
// those that are kept only by another process's thread or open file, at a cost
// in proportion to their number.
func (s *Sampler) Sample(deep bool) (Sample, error) {
	found := s.census.scan(deep, s.known)
	s.known = found
	sample := Sample{}
	err := travel(func(t *traveller) error { return sample.readAll(t, found, s.counters) })
	return sample, err
}

// readAll visits each namespace. Those that are gone by now, or that this
// process may not enter, are missing from the sample.
func (s Sample) readAll(t *traveller, found places, counters []string) error {
	read := func(inum uint32) func() error {
		return func() (err error) {
			s[inum], err = readThread(counters)
			return err
		}
	}
	if err := t.visit(ownNetns, t.own, read(t.own)); err != nil {
		return fmt.Errorf("read counters: %w", err)
	}
	for inum, at := range found {
		if inum == t.own {
			continue
		}
		if t.visitPlace(at, inum, read(inum)) != nil {
			delete(s, inum)
		}
	}
	return nil
}
