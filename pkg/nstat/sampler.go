// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"errors"
	"fmt"
	"time"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
)

// Sample is the counters of every network namespace that could be read.
type Sample map[netns.ID]Values

// Reading is a sample and what there is to say of its network namespaces.
type Reading struct {
	Sample Sample
	// Again are the namespaces of which the sample has the same as the one before: nothing
	// was read there.
	Again map[netns.ID]bool
	Directory
}

// Sampler reads the kernel's counters in all network namespaces. It holds none
// of them open between two samples, as that would keep them alive.
type Sampler struct {
	wanted map[string]bool
	reader reader
	finder *netns.Finder
	now    func() time.Time
	// quiet is what was read last, by inode number.
	quiet map[uint32]*quiet
	// noNetlink is set once the kernel has no answer to give, for each question
	// has it look for a module.
	noNetlink error
}

// NewSampler returns a Sampler of counters with these names.
func NewSampler(counters []string) *Sampler {
	s := &Sampler{wanted: map[string]bool{}, finder: netns.NewFinder(), now: time.Now, quiet: map[uint32]*quiet{}}
	s.reader = reader{(&proc.Reader{}).Read, s.readStats}
	for _, name := range counters {
		s.wanted[name] = true
	}
	return s
}

// Sample reads the counters of the namespaces that netns.Finder finds, or shows again
// what it read last. What it returns does not change.
func (s *Sampler) Sample(w Wanted) (Reading, error) {
	found := s.find(&w)
	of := &directory{spaces: make(map[uint32]space, len(found))}
	r := Reading{Sample: make(Sample, len(found)), Again: make(map[netns.ID]bool, len(found)), Directory: of}
	err := netns.OnThread(func(t *netns.Thread) error {
		of.own = t.Own()
		return s.readAll(t, found, &w, &r, of)
	})
	if err != nil {
		clear(s.quiet) // nobody knows what was read
	}
	s.forget(found)
	return r, err
}

// find looks for the namespaces, as deeply as it takes to find those that are sought.
func (s *Sampler) find(w *Wanted) netns.Locations {
	if !w.Deep || len(w.Sought) == 0 {
		return s.finder.Find(w.Deep)
	}
	found := s.finder.Search(false)
	for _, id := range w.Sought {
		at, there := found[id.Inode]
		if !there || (netns.ID{Cookie: at.Cookie(), Inode: id.Inode}).Differs(id) {
			return s.finder.Search(true)
		}
	}
	return found
}

// readAll reads in each namespace that is not quiet. Those that are gone by now, or that
// this process may not enter, are missing from the sample.
func (s *Sampler) readAll(t *netns.Thread, found netns.Locations, w *Wanted, into *Reading, of *directory) error {
	enter := func(q *quiet) {
		into.Sample[q.id] = q.values
		of.spaces[q.id.Inode] = space{q.id, found[q.id.Inode], q.lack}
	}
	read := func(id netns.ID) error {
		at := found[id.Inode]
		wanted := selection{names: s.wanted, values: make(Values, len(s.wanted))}
		began := s.now()
		lack, err := s.reader.read(&wanted)
		if err != nil {
			return err
		}
		s.remember(quiet{id: id, cookie: at.Cookie(), values: wanted.values, lack: lack, read: began})
		enter(s.quiet[id.Inode])
		return nil
	}
	if err := t.Do(t.OwnLocation(), netns.ID{Inode: t.Own()}, read); err != nil {
		return fmt.Errorf("read counters: %w", err)
	}
	for inode, at := range found {
		if inode == t.Own() {
			continue
		}
		if q := s.again(inode, at, w, s.now()); q != nil {
			into.Again[q.id] = true
			enter(q)
			continue
		}
		_ = t.Do(at, netns.ID{Inode: inode}, read)
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
