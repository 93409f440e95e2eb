// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"slices"

	"github.com/cilium/ebpf/btf"
)

// hasCounters says whether the programs can find the kernel's counters of a CPU:
// /proc/kallsyms tells where that CPU's memory is, or a map does (bpf/mib.h).
func (k *kernel) hasCounters() bool {
	return k.symbols.perCPUOffset != 0 || k.mapsTellCPU
}

// holds says whether one of the members, or of those without a name, has this name.
func holds(members []btf.Member, name string) bool {
	return slices.ContainsFunc(members, func(m btf.Member) bool {
		if m.Name != "" {
			return m.Name == name
		}
		switch t := m.Type.(type) {
		case *btf.Struct:
			return holds(t.Members, name)
		case *btf.Union:
			return holds(t.Members, name)
		}
		return false
	})
}
