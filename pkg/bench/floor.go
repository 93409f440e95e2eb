// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/synwatch/synwatch/pkg/flood"
)

// Floors are the least that a tracer can cost on the hooks that show the drops:
// programs that do nothing, and such as count, in all and by source.
var Floors = []Contender{
	{Name: "floor-empty", Optional: true, Start: func(_ context.Context, w Watched) (Tracer, error) {
		f, err := openFloor(w, "empty")
		if err != nil {
			return nil, err
		}
		return silent{f.close}, nil
	}},
	{Name: "floor-count", Optional: true, Start: func(_ context.Context, w Watched) (Tracer, error) {
		return openFloor(w, "count")
	}},
}

// floor is attached programs of bpf/floor.bpf.c.
type floor struct {
	coll *ebpf.Collection
	at   []link.Link
}

// programsOf names what does the work where the watched drops show.
func programsOf(w Watched, work string) []string {
	if w.Cause == flood.AcceptQueue.Cause {
		return []string{"floor_syn_" + work, "floor_syn_enter"}
	}
	return []string{"floor_free_" + work}
}

func openFloor(w Watched, work string) (*floor, error) {
	spec, err := loadFloor()
	if err != nil {
		return nil, fmt.Errorf("parse floor programs: %w", err)
	}
	names := programsOf(w, work)
	maps.DeleteFunc(spec.Programs, func(name string, _ *ebpf.ProgramSpec) bool { return !slices.Contains(names, name) })
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, fmt.Errorf("load the floor's programs: %w", err)
	}
	f := &floor{coll: coll}
	for _, name := range names {
		at, err := link.AttachTracing(link.TracingOptions{Program: coll.Programs[name]})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("attach %s: %w", name, err), f.close())
		}
		f.at = append(f.at, at)
	}
	return f, nil
}

func (f *floor) close() (err error) {
	f.coll.Close()
	for _, at := range f.at {
		err = errors.Join(err, at.Close())
	}
	return err
}

func (*floor) Process() int                   { return 0 }
func (*floor) Shows(netip.Addr) (bool, error) { return true, nil }

func (f *floor) Stop() (report Report, err error) {
	var perCPU []uint64
	err = f.coll.Maps["counted"].Lookup(uint32(0), &perCPU)
	for _, n := range perCPU {
		report.Drops += n
	}
	return report, errors.Join(err, f.close())
}
