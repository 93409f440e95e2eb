// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"cmp"
	"fmt"
	"maps"
	"os"
)

// mibIndices finds the enumerators of include/uapi/linux/snmp.h, which are renumbered
// between releases. Their enums have no names to look them up by, so all types are gone
// through, as they are: of btf.Spec.All each becomes a value of its own, 120,000 of them.
func (k *kernel) mibIndices() (map[string]uint32, error) {
	path := cmp.Or(k.file, kernelBTF)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read kernel BTF: %w", err)
	}
	types, err := parseTypes(data)
	if err != nil {
		return nil, fmt.Errorf("%w: read BTF from %s: %w", ErrCannot, path, err)
	}
	indices := map[string]uint32{}
	for e, err := range types.namelessEnums() {
		if err != nil {
			return nil, fmt.Errorf("%w: walk BTF from %s: %w", ErrCannot, path, err)
		}
		if first := types.name(e, 0); first == "LINUX_MIB_NUM" || first == "IPSTATS_MIB_NUM" {
			maps.Copy(indices, types.enumerators(e))
		}
	}
	if len(indices) == 0 {
		return nil, fmt.Errorf("%w: the kernel's BTF does not name the LINUX_MIB counters", ErrCannot)
	}
	return indices, nil
}
