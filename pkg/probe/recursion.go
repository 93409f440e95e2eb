// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// calm is how long a flood must last without use of the second program until that is
// detached: it makes each drop cost half as much again as counting it.
const calm = time.Second

// secondProgram is the tracepoint's second program, which counts what the first one
// missed. See bpf/recursion.h. It is detached in a flood in which the first one misses
// none.
type secondProgram struct {
	// attach attaches the second program anew: what the first one missed
	// meanwhile is lost. missed is what the first one has missed so far.
	attach func() (io.Closer, error)
	missed func() (uint64, error)

	prog *ebpf.Program
	link io.Closer // nil while it is not attached
	// needed says that the first one misses some: then the second one stays.
	needed bool
	// before is what the first one had missed when the second was detached.
	before uint64
	// since is when the flood began, zero if there is no flood.
	since time.Time
}

// newSecondProgram loads and attaches the second program.
func newSecondProgram(l *loader, first *ebpf.Program) (*secondProgram, error) {
	if err := locateStats(l, first, "free_id"); err != nil {
		return nil, fmt.Errorf("find the statistics of a program: %w", err)
	}
	second, err := l.program("tp_btf_kfree_skb_missed")
	if err != nil {
		return nil, err
	}
	s := &secondProgram{
		prog:   second,
		attach: func() (io.Closer, error) { return attachAnew(second, l.maps["misses"]) },
		missed: func() (uint64, error) { return missedBy(first) },
	}
	if s.link, err = s.attach(); err != nil {
		return nil, errors.Join(err, second.Close())
	}
	return s, nil
}

func attachAnew(p *ebpf.Program, state *ebpf.Map) (io.Closer, error) {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, err
	}
	if err := state.Put(uint32(0), make([]bpfLastSeen, cpus)); err != nil {
		return nil, err
	}
	return link.AttachTracing(link.TracingOptions{Program: p})
}

// update is called at each tick. counted is what the second program has counted.
func (s *secondProgram) update(now time.Time, flood bool, counted func() (uint64, error)) error {
	switch {
	case s.link == nil:
		return s.reattach(flood)
	case s.needed:
	case !flood:
		s.since = time.Time{}
	case s.since.IsZero():
		s.since = now
	case now.Sub(s.since) > calm:
		return s.detachUnlessUsed(counted)
	}
	return nil
}

// detachUnlessUsed detaches the second program unless it has counted drops.
func (s *secondProgram) detachUnlessUsed(counted func() (uint64, error)) error {
	n, err := counted()
	if s.needed = n > 0; s.needed || err != nil {
		return err
	}
	if s.before, err = s.missed(); err != nil {
		return err
	}
	return s.detach()
}

// reattach attaches the second program when the flood is over, and for good when the
// first one has missed drops meanwhile.
func (s *secondProgram) reattach(flood bool) error {
	missed, err := s.missed()
	if err != nil {
		return err
	}
	s.needed = missed > s.before
	if flood && !s.needed {
		return nil
	}
	s.since = time.Time{}
	if again, err := s.attach(); err == nil { // else at the next tick
		s.link = again
	}
	return nil
}

// close detaches and unloads the second program.
func (s *secondProgram) close() error {
	return errors.Join(s.detach(), s.prog.Close())
}

func (s *secondProgram) detach() error {
	if s.link == nil {
		return nil
	}
	err := s.link.Close()
	s.link = nil
	return err
}

// locateStats finds out, by an iterator program, where the kernel keeps a program's
// statistics. id is the variable that tells it which one.
func locateStats(l *loader, p *ebpf.Program, id string) error {
	info, err := p.Info()
	if err != nil {
		return err
	}
	number, ok := info.ID()
	if !ok {
		return errors.New("the kernel does not give a program's ID")
	}
	if err := l.variables[id].Set(uint32(number)); err != nil {
		return err
	}
	prog, err := l.program("find_stats")
	if err != nil {
		return err
	}
	defer prog.Close()
	return runIterator(prog)
}

// runIterator runs an iterator program once over all objects.
func runIterator(prog *ebpf.Program) error {
	iter, err := link.AttachIter(link.IterOptions{Program: prog})
	if err != nil {
		return err
	}
	defer iter.Close()
	run, err := iter.Open()
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, run)
	return errors.Join(err, run.Close())
}
