// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"net/netip"
	"slices"

	"github.com/synwatch/synwatch/pkg/event"
)

// Options says what to trace.
type Options struct {
	// BTF is a file with the running kernel's type information, for kernels
	// that carry none. Empty: /sys/kernel/btf/vmlinux.
	BTF string
	// Filter acts in the kernel.
	Filter Filter
	// EveryDrop asks for an event per drop instead of one per key and tick.
	EveryDrop bool
	// MaxSources is how many keys (source, destination, port, namespace and
	// cause) are counted separately at a time. Each takes about 2 × (128 + 32 × CPUs)
	// bytes of kernel memory. 0 for 65,536.
	MaxSources int
	// Without are modes in which no hook is attached, for tests of the others.
	Without []event.Mode
}

// Filter restricts what is counted. A list that is empty lets everything pass;
// the lists are combined by "and", what is in a list by "or".
type Filter struct {
	Src, Dst []netip.Prefix
	Ports    []uint16
	Netns    []uint32
	// Directions lets event.Unrouted and event.Untold pass with those that they may
	// turn out to be.
	Directions []event.Direction
	Protos     []event.Proto
}

// directions is a bit for each direction that passes.
func (f *Filter) directions() uint32 {
	bits := uint32(0)
	for n := uint8(0); event.DirectionNumber(n) != ""; n++ {
		if f.passes(event.DirectionNumber(n)) {
			bits |= 1 << n
		}
	}
	return bits
}

func (f *Filter) passes(d event.Direction) bool {
	if len(f.Directions) == 0 || slices.Contains(f.Directions, d) {
		return true
	}
	switch d {
	case event.Untold:
		return true
	case event.Unrouted:
		return slices.Contains(f.Directions, event.In) || slices.Contains(f.Directions, event.Forward)
	}
	return false
}

// protos says of each protocol's number whether it passes.
func (f *Filter) protos() [256]bool {
	var wanted [256]bool
	for _, p := range f.Protos {
		wanted[p] = true
	}
	return wanted
}
