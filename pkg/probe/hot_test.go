// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"testing"
	"unsafe"
)

// fakeMemory is that of a map.
type fakeMemory []byte

func (m fakeMemory) ReadAt(to []byte, at int64) (int, error)    { return copy(to, m[at:]), nil }
func (m fakeMemory) WriteAt(from []byte, at int64) (int, error) { return copy(m[at:], from), nil }

// What the CPUs have of a key in one of the tables is added up and taken once. What they
// have in the other one stays there, and who is only about to have a place has nothing.
func TestHotIsTakenOnce(t *testing.T) {
	const cpus, a, b = 3, 0, 1
	places := make([]bpfHot, 2*cpus)
	memory := fakeMemory(unsafe.Slice((*byte)(unsafe.Pointer(&places[0])), len(places)*int(unsafe.Sizeof(places[0]))))
	key, other := someKey(), someKey()
	other.DstPort++
	count := func(cpu, table, place int, key bpfKey, ready uint32, n uint64, time uint32) {
		places[2*cpu+table].Used = 1
		places[2*cpu+table].Keys[place] = bpfHotKey{
			Key: key, Tally: bpfTally{Count: n, Time: time, SrcPort: uint16(n)}, Claims: 1, Ready: ready,
		}
	}
	count(0, a, 5, key, 1, 10, 7)
	count(2, a, 5, key, 1, 20, 9)
	count(2, a, 6, other, 1, 40, 8)
	count(2, a, 7, other, 0, 80, 8)
	count(2, b, 5, key, 1, 160, 10)

	h := newHotIn(memory, cpus)
	for _, c := range []struct {
		table      int
		key, other total
	}{
		{a, total{count: 30, time: 9 << timeShift, srcPort: 20}, total{count: 40, time: 8 << timeShift, srcPort: 40}},
		{a, total{}, total{}},
		{b, total{count: 160, time: 10 << timeShift, srcPort: 160}, total{}},
	} {
		if err := h.empty(c.table, 10<<timeShift); err != nil {
			t.Fatal(err)
		}
		if got := h.take(&key); got != c.key {
			t.Errorf("table %d: %+v, want %+v", c.table, got, c.key)
		}
		if got := h.take(&other); got != c.other {
			t.Errorf("table %d, the other key: %+v, want %+v", c.table, got, c.other)
		}
	}
	if !bytes.Equal(memory, make([]byte, len(memory))) {
		t.Error("something is left")
	}
}
