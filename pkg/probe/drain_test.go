// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"slices"
	"testing"
)

func newTestDrain(everyDrop bool) *drain {
	return &drain{
		decoder:   &decoder{},
		everyDrop: everyDrop,
		details:   map[bpfKey]*bpfDetail{},
		owed:      map[bpfKey]int64{},
		locator:   locator{},
	}
}

func TestSettleCoalesced(t *testing.T) {
	d, key := newTestDrain(false), someKey()
	d.details[key] = &bpfDetail{Key: key}
	d.details[key].Queues.Known = 1
	d.settle(&key, bpfTally{Count: 5})
	if len(d.events) != 1 || d.events[0].Count != 5 || d.events[0].Evidence.Listener == nil {
		t.Fatalf("%+v", d.events)
	}
}

// A detail that came early, of the next interval, is there for that one too.
func TestSettleWithAnEarlyDetail(t *testing.T) {
	d, key := newTestDrain(false), someKey()
	d.details[key] = &bpfDetail{Key: key, Time: 20}
	d.settle(&key, bpfTally{Count: 1, Time: 10})
	d.settle(&key, bpfTally{Count: 1, Time: 30})
	if len(d.events) != 2 || d.events[0].Evidence == nil || d.events[1].Evidence == nil || len(d.details) != 0 {
		t.Fatalf("%+v, left %v", d.events, d.details)
	}
}

// A detail that was told between two looks at the table is not told again with
// its key's count.
func TestSettleWhatWasTold(t *testing.T) {
	d, key := newTestDrain(false), someKey()
	d.tell(&bpfDetail{Key: key, Time: 5})
	d.settle(&key, bpfTally{Count: 4, Time: 10})
	d.tell(&bpfDetail{Key: key, Time: 20})
	d.settle(&key, bpfTally{Count: 1, Time: 30})
	var counts []uint64
	for _, e := range d.events {
		counts = append(counts, e.Count)
	}
	if !slices.Equal(counts, []uint64{1, 3, 1}) || len(d.owed) != 0 {
		t.Fatalf("%v, owed %v", counts, d.owed)
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
			d.owed[key] -= c.sent[i]
			d.settle(&key, bpfTally{Count: uint64(c.counted[i])})
		}
		for _, e := range d.events {
			got += e.Count
		}
		if got != c.merged || len(d.owed) != 0 {
			t.Errorf("%s: merged %d, want %d; owed %v", c.name, got, c.merged, d.owed)
		}
	}
}

func TestSumTakesTheNewest(t *testing.T) {
	got := sum([]bpfTally{{Count: 2, Time: 9, SrcPort: 1}, {Count: 3, Time: 8, SrcPort: 2}, {}})
	if got.Count != 5 || got.Time != 9 || got.SrcPort != 1 {
		t.Fatalf("%+v", got)
	}
}
