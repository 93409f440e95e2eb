// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// Floors are the least that a tracer by the kfree_skb tracepoint can cost: a
// program that does nothing, and one that counts, in all and by source.
var Floors = []Contender{
	{"floor-empty", floor("floor_empty")},
	{"floor-count", floor("floor_count")},
}

func floor(program string) func(context.Context, Watched) (Tracer, error) {
	return func(context.Context, Watched) (Tracer, error) {
		spec, err := loadFloor()
		if err != nil {
			return nil, fmt.Errorf("parse floor programs: %w", err)
		}
		spec.Programs = map[string]*ebpf.ProgramSpec{program: spec.Programs[program]}
		coll, err := ebpf.NewCollection(spec)
		if err != nil {
			return nil, fmt.Errorf("load %s: %w", program, err)
		}
		at, err := link.AttachTracing(link.TracingOptions{Program: coll.Programs[program]})
		if err != nil {
			coll.Close()
			return nil, fmt.Errorf("attach %s: %w", program, err)
		}
		if program == "floor_empty" {
			return silent{func() error { coll.Close(); return at.Close() }}, nil
		}
		return &counter{coll, at}, nil
	}
}

// counter is the program that counts.
type counter struct {
	coll *ebpf.Collection
	at   link.Link
}

func (*counter) Process() int        { return 0 }
func (*counter) Seen() (bool, error) { return true, nil }

func (c *counter) Stop() (Told, error) {
	var perCPU []uint64
	err := c.coll.Maps["freed"].Lookup(uint32(0), &perCPU)
	var told Told
	for _, n := range perCPU {
		told.Drops += n
	}
	err = errors.Join(err, c.at.Close())
	c.coll.Close()
	return told, err
}
