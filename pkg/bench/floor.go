// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// Floors are the least that a tracer by the kfree_skb tracepoint can cost: a
// program that does nothing, and one that counts, in all and by source.
var Floors = []Contender{
	{Name: "floor-empty", Optional: true, Start: func(context.Context, Watched) (Tracer, error) {
		f, err := openFloor("floor_empty")
		if err != nil {
			return nil, err
		}
		return silent{f.close}, nil
	}},
	{Name: "floor-count", Optional: true, Start: func(context.Context, Watched) (Tracer, error) {
		return openFloor("floor_count")
	}},
}

// floor is an attached program of bpf/floor.bpf.c.
type floor struct {
	coll *ebpf.Collection
	at   link.Link
}

func openFloor(program string) (*floor, error) {
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
	return &floor{coll, at}, nil
}

func (f *floor) close() error {
	f.coll.Close()
	return f.at.Close()
}

func (*floor) Process() int                   { return 0 }
func (*floor) Shows(netip.Addr) (bool, error) { return true, nil }

func (f *floor) Stop() (told Told, err error) {
	var perCPU []uint64
	err = f.coll.Maps["freed"].Lookup(uint32(0), &perCPU)
	for _, n := range perCPU {
		told.Drops += n
	}
	return told, errors.Join(err, f.close())
}
