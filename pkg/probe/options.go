// SPDX-License-Identifier: Apache-2.0

package probe

import "net/netip"

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
}

// Filter restricts what is counted. A list that is empty lets everything pass;
// the lists are combined by "and", what is in a list by "or".
type Filter struct {
	Src, Dst []netip.Prefix
	Ports    []uint16
	Netns    []uint32
}
