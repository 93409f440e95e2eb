// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"errors"
	"fmt"
	"strings"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
)

// Sample is the counters of every network namespace that could be read.
type Sample map[netns.ID]Values

// Sampler reads the kernel's counters in all network namespaces. It holds none
// of them open between two samples, as that would keep them alive.
type Sampler struct {
	wanted map[string]bool
	reader reader
	finder *netns.Finder
	// ids are the namespaces of the last sample, by inode number.
	ids map[uint32]netns.ID
	// lacks are why connection tracking's counters are missing from some of them.
	lacks map[uint32]error
	// noNetlink is set once the kernel has no answer to give, for each question
	// has it look for a module.
	noNetlink error
}

// NewSampler returns a Sampler of counters with these names.
func NewSampler(counters []string) *Sampler {
	s := &Sampler{wanted: map[string]bool{}, finder: netns.NewFinder()}
	s.reader = reader{(&proc.Reader{}).Read, s.readStats}
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
	s.ids, s.lacks = make(map[uint32]netns.ID, len(found)), map[uint32]error{}
	sample := make(Sample, len(found))
	err := netns.OnThread(func(t *netns.Thread) error { return s.readAll(t, found, sample) })
	return sample, err
}

// readAll reads in each namespace. Those that are gone by now, or that this
// process may not enter, are missing from the sample.
func (s *Sampler) readAll(t *netns.Thread, found netns.Locations, into Sample) error {
	read := func(id netns.ID) error {
		wanted := selection{names: s.wanted, values: make(Values, len(s.wanted))}
		lack, err := s.reader.read(&wanted)
		if err != nil {
			return err
		}
		into[id], s.ids[id.Inode] = wanted.values, id
		if lack != nil {
			s.lacks[id.Inode] = lack
		}
		return nil
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

// readStats asks for connection tracking's counters, unless there is no answer.
func (s *Sampler) readStats() (conntrack.Stats, error) {
	if s.noNetlink != nil {
		return nil, s.noNetlink
	}
	stats, err := conntrack.ReadStats()
	if errors.Is(err, conntrack.ErrNoNetlink) {
		s.noNetlink = err
	}
	return stats, err
}

// Lack says why a counter that the kernel has is missing from a namespace of the last
// sample; nil if that is not so.
func (s *Sampler) Lack(id netns.ID, counter string) error {
	now, sampled := s.ids[id.Inode]
	if !sampled || now.Differs(id) || !strings.HasPrefix(counter, conntrackHead) {
		return nil
	}
	return s.lacks[id.Inode]
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
