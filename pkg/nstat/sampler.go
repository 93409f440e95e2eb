// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
)

// Sample is the counters of every network namespace that could be read.
type Sample map[netns.ID]Values

// Sampler reads the kernel's counters in all network namespaces. It holds none
// of them open between two samples, as that would keep them alive.
type Sampler struct {
	wanted map[string]bool
	files  proc.Reader
	finder *netns.Finder
	// ids are the namespaces of the last sample, by inode number.
	ids map[uint32]netns.ID
}

// NewSampler returns a Sampler of counters with these names.
func NewSampler(counters []string) *Sampler {
	s := &Sampler{wanted: map[string]bool{}, finder: netns.NewFinder()}
	for _, name := range counters {
		s.wanted[name] = true
	}
	return s
}

// Sample reads the counters of the namespaces that netns.Finder finds. A deep
// sample finds also those that are kept only by another process's thread or open
// file, at a cost in proportion to their number.
func (s *Sampler) Sample(deep bool) (Sample, error) {
	found := s.finder.Find(deep)
	s.ids = make(map[uint32]netns.ID, len(found))
	sample := make(Sample, len(found))
	err := netns.OnThread(func(t *netns.Thread) error { return s.readAll(t, found, sample) })
	return sample, err
}

// readAll reads in each namespace. Those that are gone by now, or that this
// process may not enter, are missing from the sample.
func (s *Sampler) readAll(t *netns.Thread, found netns.Locations, into Sample) error {
	read := func(id netns.ID) error {
		values, err := s.readThread()
		if err == nil {
			into[id], s.ids[id.Inode] = values, id
		}
		return err
	}
	if err := t.Do(t.OwnLocation(), netns.ID{Inode: t.Own()}, read); err != nil {
		return fmt.Errorf("read counters: %w", err)
	}
	for inode, at := range found {
		if inode != t.Own() {
			_ = t.Do(at, netns.ID{Inode: inode}, read)
		}
	}
	return nil
}

// readThread reads the counters of the network namespace that the calling
// thread is in. The goroutine must be locked to the thread.
func (s *Sampler) readThread() (Values, error) {
	dir, err := proc.ThreadDir()
	if err != nil {
		return nil, err
	}
	wanted := selection{s.wanted, make(Values, len(s.wanted))}
	err = readCounters(s.files.Read, dir, &wanted)
	return wanted.values, err
}

// Name returns what people call a network namespace, empty for the machine's own,
// for one without a name and for one that was not in the last sample.
func (s *Sampler) Name(id netns.ID) string {
	now, sampled := s.ids[id.Inode]
	if own, ok := netns.Own(); !ok || own == id.Inode || !sampled || now.Differs(id) {
		return ""
	}
	at := s.finder.At(id.Inode)
	return at.Name()
}
