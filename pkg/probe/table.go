// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// batch is how many keys one system call fetches.
const batch = 4096

// table is where the programs count. There are two maps: one they count into,
// and one that is being emptied.
type table struct {
	maps    [2]*ebpf.Map
	hot     *hot
	current int
	second  *ebpf.Variable
	counted *ebpf.Variable
	full    *ebpf.Variable
	// anyCounted reads the variable counted at each tick.
	anyCounted flag
	// epoch and empty are for wait, which puts empty into epoch.
	epoch, empty *ebpf.Map

	cursor ebpf.MapBatchCursor
	keys   []bpfKey
	values []bpfTally
	perKey int
}

func newTable(l *loader) (*table, error) {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, err
	}
	t := &table{
		maps:   [2]*ebpf.Map{l.maps["tally_a"], l.maps["tally_b"]},
		second: l.variables["second"], counted: l.variables["counted"], full: l.variables["full"],
		epoch:  l.maps["epoch"],
		keys:   make([]bpfKey, batch),
		values: make([]bpfTally, batch*cpus),
		perKey: cpus,
	}
	if t.anyCounted, err = l.flag("counted"); err != nil {
		return nil, err
	}
	if t.hot, err = newHot(l.maps["hot_by_cpu"]); err != nil {
		return nil, err
	}
	if t.empty, err = ebpf.NewMap(l.spec.Maps["epoch"].InnerMap); err != nil {
		return nil, fmt.Errorf("create map: %w", err)
	}
	return t, nil
}

func (t *table) close() error {
	return t.empty.Close()
}

// hasCounts says whether anything was counted since the last exchange.
func (t *table) hasCounts() (bool, error) {
	counted, err := t.anyCounted.read()
	if err != nil {
		return false, fmt.Errorf("look for counts: %w", err)
	}
	return counted, nil
}

// wait returns when every program that runs now has ended.
func (t *table) wait() error {
	if err := t.epoch.Put(uint32(0), t.empty); err != nil {
		return fmt.Errorf("wait for programs: %w", err)
	}
	return nil
}

// exchange makes the programs count into the other map, and returns when none
// counts into this one any more. What follows empties it. now is the monotonic time.
func (t *table) exchange(now uint64) error {
	// Before, as what is counted from here on may be in either.
	if err := t.counted.Set(false); err != nil {
		return fmt.Errorf("exchange tables: %w", err)
	}
	t.current = 1 - t.current
	if err := t.second.Set(t.current == 1); err != nil {
		return fmt.Errorf("exchange tables: %w", err)
	}
	if err := t.wait(); err != nil {
		return err
	}
	// After, as a program may have found the old one full.
	if err := t.full.Set(false); err != nil {
		return fmt.Errorf("exchange tables: %w", err)
	}
	t.cursor = ebpf.MapBatchCursor{}
	return t.hot.empty(t.other(), now)
}

// other is the number of the map that the programs do not use now.
func (t *table) other() int { return 1 - t.current }

// next takes up to a batch of keys out of the map that the programs do not use now,
// and says whether these were the last. They are valid until the next call. What
// the CPUs have of a key in front of the map is taken with total.
func (t *table) next() (keys []bpfKey, last bool, err error) {
	n, err := t.maps[t.other()].BatchLookupAndDelete(&t.cursor, t.keys, t.values, nil)
	if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return nil, false, fmt.Errorf("read table: %w", err)
	}
	return t.keys[:n], err != nil, nil
}

// total is a key's count on all CPUs, and when (on the kernel's monotonic clock, in
// ns, to 65.5 µs) and from which port the newest was.
type total struct {
	count   uint64
	time    uint64
	srcPort uint16
}

// total is what was counted of key number i of the last call of next. now is the
// monotonic time, which is within a day of that of the tallies.
func (t *table) total(i int, now uint64) total {
	n := sum(t.values[i*t.perKey:(i+1)*t.perKey], now)
	n.add(t.hot.take(&t.keys[i]))
	return n
}

// add adds what was counted elsewhere.
func (t *total) add(other total) {
	t.count += other.count
	if other.time >= t.time {
		t.time, t.srcPort = other.time, other.srcPort
	}
}

// timeShift is by how much the time of a tally is less exact than ns.
const timeShift = int(bpfTallyTimeTALLY_TIME_SHIFT)

// sum adds up the CPUs. now is the monotonic time, which is within a day of theirs.
func sum(perCPU []bpfTally, now uint64) total {
	var t total
	for i := range perCPU {
		t.add(totalOf(&perCPU[i], now))
	}
	return t
}

func totalOf(t *bpfTally, now uint64) total {
	if t.Count == 0 {
		return total{}
	}
	return total{count: t.Count, time: tallyTime(t.Time, now), srcPort: t.SrcPort}
}

// tallyTime completes the time of a tally, of which the kernel keeps 32 bits.
func tallyTime(short uint32, now uint64) uint64 {
	now >>= timeShift
	return (now + uint64(int64(int32(short-uint32(now))))) << timeShift
}
