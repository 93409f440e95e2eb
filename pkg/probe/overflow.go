// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"fmt"

	"github.com/cilium/ebpf"
)

// overflow is what found no room in the table: how often, of each kind, but not
// from where.
type overflow struct {
	counts *ebpf.Map
	total  uint64 // STAT_UNATTRIBUTED when it was last looked at
	seen   map[bpfKey]uint64
}

// read calls f with what was added to each kind since the last time.
func (o *overflow) read(total uint64, f func(*bpfKey, uint64)) error {
	if total == o.total {
		return nil
	}
	o.total = total
	var key bpfKey
	var perCPU []uint64
	kinds := o.counts.Iterate()
	for kinds.Next(&key, &perCPU) {
		var n uint64
		for _, c := range perCPU {
			n += c
		}
		if added := n - o.seen[key]; added > 0 {
			o.seen[key] = n
			f(&key, added)
		}
	}
	if err := kinds.Err(); err != nil {
		return fmt.Errorf("read overflow: %w", err)
	}
	return nil
}
