// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func newTestDrain(everyDrop bool) *drain {
	return &drain{
		decoder:    &decoder{},
		everyDrop:  everyDrop,
		details:    map[bpfKey]*bpfDetail{},
		unreported: map[bpfKey]int64{},
		locator:    &locator{known: map[uint64]string{}},
	}
}

func TestTickWithoutCountsTakesNoCall(t *testing.T) {
	d, now := newTestDrain(false), time.Now()
	d.table, d.flood = &table{anyCounted: flag{memory: strings.NewReader("\x01\x00"), offset: 1}}, true
	if n := testing.AllocsPerRun(10, func() {
		if events, err := d.read(now, false); len(events) != 0 || err != nil || d.flood || d.began != now {
			t.Errorf("%v, %v, flood %v, began %v", events, err, d.flood, d.began)
		}
	}); n != 0 || d.decoder.ktime != 0 {
		t.Errorf("%v allocations, the kernel's time %d", n, d.decoder.ktime)
	}
}

func TestFlag(t *testing.T) {
	f := flag{memory: strings.NewReader("\x00\x01"), offset: 1}
	if set, err := f.read(); !set || err != nil {
		t.Errorf("%v, %v", set, err)
	}
	f.offset++
	if _, err := f.read(); err == nil {
		t.Error("no error for what is not there")
	}
}

func TestSettleCoalesced(t *testing.T) {
	d, key := newTestDrain(false), someKey()
	d.details[key] = &bpfDetail{Key: key}
	d.details[key].Queues.Known = 1
	d.settle(&key, total{count: 5})
	if len(d.events) != 1 || d.events[0].Count != 5 || d.events[0].Evidence.Listener == nil {
		t.Fatalf("%+v", d.events)
	}
}

// A detail that was sent after the exchange is the next count's too, however soon after
// the old count's newest drop, and no longer.
func TestSettleWithAnEarlyDetail(t *testing.T) {
	d, key := newTestDrain(false), someKey()
	exchange := func(at, newest uint64) {
		d.decoder.ktime = at
		d.settle(&key, total{count: 1, time: newest << timeShift})
		d.forget()
	}
	const first = 10<<timeShift + 1
	d.keep(&bpfDetail{Key: key, Time: first + 2})
	exchange(first+1, 10)
	exchange(20<<timeShift, 10)
	exchange(30<<timeShift, 20)
	var known []bool
	for _, e := range d.events {
		known = append(known, e.Evidence != nil)
	}
	if !slices.Equal(known, []bool{true, true, false}) || len(d.details) != 0 {
		t.Fatalf("with evidence: %v, left %v", known, d.details)
	}
}

// A detail that was reported between two reads of the table is not reported again with
// its key's count.
func TestSettleAfterReport(t *testing.T) {
	d, key := newTestDrain(false), someKey()
	d.report(&bpfDetail{Key: key, Time: 5 << timeShift})
	d.settle(&key, total{count: 4, time: 10 << timeShift})
	d.report(&bpfDetail{Key: key, Time: 20 << timeShift})
	d.settle(&key, total{count: 1, time: 30 << timeShift})
	var counts []uint64
	for _, e := range d.events {
		counts = append(counts, e.Count)
	}
	if !slices.Equal(counts, []uint64{1, 3, 1}) || len(d.unreported) != 0 {
		t.Fatalf("%v, unreported %v", counts, d.unreported)
	}
}

// Each drop was sent by itself, or is in a merged event: never both, never none.
func TestSettleEveryDrop(t *testing.T) {
	key := someKey()
	for _, c := range []struct {
		name          string
		sent, counted []int64
		merged        uint64
	}{
		{"all sent", []int64{3, 2}, []int64{3, 2}, 0},
		{"some lost", []int64{1}, []int64{4}, 3},
		{"ring ahead of the counts", []int64{5, 0}, []int64{3, 2}, 0},
		{"ahead and lost", []int64{4, 0}, []int64{3, 3}, 2},
	} {
		d := newTestDrain(true)
		var got uint64
		for i := range c.sent {
			d.unreported[key] -= c.sent[i]
			d.settle(&key, total{count: uint64(c.counted[i])})
		}
		for _, e := range d.events {
			got += e.Count
		}
		if got != c.merged || len(d.unreported) != 0 {
			t.Errorf("%s: merged %d, want %d; unreported %v", c.name, got, c.merged, d.unreported)
		}
	}
}

// The time of a tally wraps: the newest is the one nearest to now, or just after.
func TestSumTakesTheNewest(t *testing.T) {
	for _, now := range []uint64{5 << timeShift, 1<<48 - 1, 1 << 48, 3<<48 + 1<<20} {
		ticks := now >> timeShift
		newest := uint32(ticks) + 1
		got := sum([]bpfTally{
			{Count: 2, Time: newest, SrcPort: 1}, {Count: 3, Time: newest - 4, SrcPort: 2}, {},
		}, now)
		want := total{count: 5, time: (ticks + 1) << timeShift, srcPort: 1}
		if got != want {
			t.Errorf("at %d: %+v, want %+v", now, got, want)
		}
	}
}
