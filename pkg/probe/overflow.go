// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// overflow counts the drops for whose source the table had no room, by kind and
// namespace. Each of the table's two maps has an overflow map, which is emptied with
// it, so that a namespace that is gone takes no room.
type overflow struct {
	maps   [2]*ebpf.Map
	cursor ebpf.MapBatchCursor
	keys   []bpfKindInNetns
	counts []uint64
	perKey int
}

// overflowBatch is how many keys one system call fetches.
const overflowBatch = 256

func newOverflow(maps map[string]*ebpf.Map, cpus int) *overflow {
	return &overflow{
		maps:   [2]*ebpf.Map{maps["overflow_a"], maps["overflow_b"]},
		keys:   make([]bpfKindInNetns, overflowBatch),
		counts: make([]uint64, overflowBatch*cpus),
		perKey: cpus,
	}
}

// empty takes all counts out of the map that the programs do not use now, and calls f
// with each.
func (o *overflow) empty(which int, f func(*bpfKindInNetns, uint64)) error {
	o.cursor = ebpf.MapBatchCursor{}
	for {
		n, err := o.maps[which].BatchLookupAndDelete(&o.cursor, o.keys, o.counts, nil)
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("read overflow: %w", err)
		}
		for i := range n {
			var sum uint64
			for _, c := range o.counts[i*o.perKey : (i+1)*o.perKey] {
				sum += c
			}
			f(&o.keys[i], sum)
		}
		if err != nil {
			return nil
		}
	}
}
