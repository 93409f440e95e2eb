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

// calm is how long a flood must last without any need of the second program until
// it is taken away: it makes each drop dearer by half of what counting costs.
const calm = time.Second

// rescue is the tracepoint's second program, which counts what the first one
// missed. See bpf/rescue.h. It is there but in a flood that has no need of it.
type rescue struct {
	// attach attaches the second program anew: what the first one missed
	// meanwhile is lost. missed is what the first one has missed so far.
	attach func() (io.Closer, error)
	missed func() (uint64, error)

	link io.Closer // nil while it is not attached
	// needed says that the first one misses some: then the second one stays.
	needed bool
	// before is what the first one had missed when the second was taken away.
	before uint64
	// since is when the flood was first seen, zero while there is none.
	since time.Time
}

// newRescue loads and attaches the second program.
func newRescue(l *loader, first *ebpf.Program) (*rescue, error) {
	if err := locateStats(l, first); err != nil {
		return nil, fmt.Errorf("find the statistics of a program: %w", err)
	}
	second, err := l.program("tp_btf_kfree_skb_missed")
	if err != nil {
		return nil, err
	}
	l.kept = append(l.kept, second)
	r := &rescue{
		attach: func() (io.Closer, error) { return attachAnew(second, l.maps["misses"]) },
		missed: func() (uint64, error) { return missedBy(first) },
	}
	if r.link, err = r.attach(); err != nil {
		return nil, err
	}
	return r, nil
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

// attend is called at each tick. rescued is what the second program has counted.
func (r *rescue) attend(now time.Time, flood bool, rescued func() (uint64, error)) error {
	switch {
	case r.link == nil:
		return r.comeBack(flood)
	case r.needed:
	case !flood:
		r.since = time.Time{}
	case r.since.IsZero():
		r.since = now
	case now.Sub(r.since) > calm:
		return r.rest(rescued)
	}
	return nil
}

// rest takes the second program away unless it has been of use.
func (r *rescue) rest(rescued func() (uint64, error)) error {
	n, err := rescued()
	if r.needed = n > 0; r.needed || err != nil {
		return err
	}
	if r.before, err = r.missed(); err != nil {
		return err
	}
	return r.close()
}

// comeBack attaches the second program when the flood is over, and for good when
// there turns out to be need of it.
func (r *rescue) comeBack(flood bool) error {
	missed, err := r.missed()
	if err != nil {
		return err
	}
	r.needed = missed > r.before
	if flood && !r.needed {
		return nil
	}
	r.since = time.Time{}
	if again, err := r.attach(); err == nil { // else at the next tick
		r.link = again
	}
	return nil
}

// close detaches the second program.
func (r *rescue) close() error {
	if r.link == nil {
		return nil
	}
	err := r.link.Close()
	r.link = nil
	return err
}

// locateStats lets a program find out where the kernel keeps the statistics of
// the first one.
func locateStats(l *loader, first *ebpf.Program) error {
	info, err := first.Info()
	if err != nil {
		return err
	}
	id, ok := info.ID()
	if !ok {
		return errors.New("the kernel does not tell a program's ID")
	}
	if err := l.variables["free_id"].Set(uint32(id)); err != nil {
		return err
	}
	prog, err := l.program("find_free")
	if err != nil {
		return err
	}
	defer prog.Close()
	return runIterator(prog)
}

// runIterator runs the program for everything that it is made to look at.
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
