// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"
)

// hot is what each CPU has in front of the table's two maps: see bpf/hot.h.
type hot struct {
	memory memory
	cpus   int
	// places are those of one CPU, copied, and bytes are what they consist of.
	places bpfHot
	bytes  []byte
	// found is what was in the places, by key.
	found map[bpfKey]total
}

// memory is a map's.
type memory interface {
	ReadAt([]byte, int64) (int, error)
	WriteAt([]byte, int64) (int, error)
}

func newHot(m *ebpf.Map) (*hot, error) {
	memory, err := m.Memory()
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", m, err)
	}
	return newHotIn(memory, int(m.MaxEntries())/2), nil
}

func newHotIn(m memory, cpus int) *hot {
	h := &hot{memory: m, cpus: cpus, found: map[bpfKey]total{}}
	h.bytes = unsafe.Slice((*byte)(unsafe.Pointer(&h.places)), unsafe.Sizeof(h.places))
	return h
}

// empty takes what was counted in front of one of the maps, which no program uses now.
func (h *hot) empty(which int, now uint64) error {
	clear(h.found)
	for cpu := range h.cpus {
		if err := h.emptyCPU(int64(2*cpu+which)*int64(len(h.bytes)), now); err != nil {
			return fmt.Errorf("read the table of a CPU: %w", err)
		}
	}
	return nil
}

func (h *hot) emptyCPU(at int64, now uint64) error {
	used := h.bytes[:unsafe.Sizeof(h.places.Used)] // the first member
	if _, err := h.memory.ReadAt(used, at); err != nil || h.places.Used == 0 {
		return err
	}
	if _, err := h.memory.ReadAt(h.bytes, at); err != nil {
		return err
	}
	for i := range h.places.Keys {
		if p := &h.places.Keys[i]; p.Ready != 0 {
			n := h.found[p.Key]
			n.add(totalOf(&p.Tally, now))
			h.found[p.Key] = n
		}
	}
	clear(h.bytes)
	_, err := h.memory.WriteAt(h.bytes, at)
	return err
}

// take returns what was found of a key.
func (h *hot) take(key *bpfKey) total {
	if len(h.found) == 0 {
		return total{}
	}
	return h.found[*key]
}
