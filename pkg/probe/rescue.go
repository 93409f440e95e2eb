// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// rescue is the tracepoint's second program, which counts what the first one
// missed. See bpf/rescue.h.
type rescue struct {
	first, second *ebpf.Program
	link          link.Link
	tried         bool
}

// newRescue loads the second program, which is not attached yet.
func newRescue(l *loader, first *ebpf.Program) (*rescue, error) {
	if err := locateStats(l, first); err != nil {
		return nil, fmt.Errorf("find the statistics of a program: %w", err)
	}
	second, err := l.program("tp_btf_kfree_skb_missed")
	if err != nil {
		return nil, err
	}
	return &rescue{first: first, second: second}, nil
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

// attach attaches the second program if the first one has missed anything so far.
// Where it cannot be, the summary has what was lost.
func (r *rescue) attach() {
	if r.tried {
		return
	}
	stats, err := r.first.Stats()
	if err != nil || stats.RecursionMisses == 0 {
		return
	}
	r.tried = true
	if at, err := link.AttachTracing(link.TracingOptions{Program: r.second}); err == nil {
		r.link = at
	}
}

func (r *rescue) close() error {
	err := r.second.Close()
	if r.link != nil {
		err = errors.Join(err, r.link.Close())
	}
	return err
}
