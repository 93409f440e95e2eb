// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/synwatch/synwatch/pkg/event"
)

// batch is how many keys one system call fetches.
const batch = 4096

// drain fetches counts and details. The programs count into one of two maps; to
// drain it the other takes its place, and the kernel returns from the exchange
// only when no program uses the old one any more.
type drain struct {
	tallies *ebpf.Map
	inner   [2]*ebpf.Map
	current int
	statMap *ebpf.Map
	ring    *ringbuf.Reader
	decoder *decoder

	everyDrop bool
	seen      uint64 // observations at the last exchange
	// details are those that wait for their key's count.
	details map[bpfKey]*bpfDetail
	// owed is, for a key of which every drop was asked for, how many were
	// counted but not sent one by one. It is negative while the ring buffer is
	// ahead of the counts.
	owed map[bpfKey]int64

	locator locator
	// events are those of the current read, locations the addresses of theirs.
	events    []event.Event
	locations []uint64

	record ringbuf.Record
	keys   []bpfKey
	values []bpfTally
}

func newDrain(l *loader, k *kernel, everyDrop bool) (*drain, error) {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, err
	}
	d := &drain{
		tallies:   l.maps["tallies"],
		statMap:   l.maps["stats"],
		decoder:   newDecoder(k),
		everyDrop: everyDrop,
		details:   map[bpfKey]*bpfDetail{},
		owed:      map[bpfKey]int64{},
		locator:   locator{},
		keys:      make([]bpfKey, batch),
		values:    make([]bpfTally, batch*cpus),
	}
	for i := range d.inner {
		if d.inner[i], err = ebpf.NewMap(l.spec.Maps["tallies"].InnerMap); err != nil {
			return nil, errors.Join(fmt.Errorf("create tally: %w", err), d.close())
		}
	}
	if err = d.exchange(); err == nil {
		d.ring, err = ringbuf.NewReader(l.maps["details"])
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *drain) close() error {
	var errs []error
	for _, m := range d.inner {
		if m != nil {
			errs = append(errs, m.Close())
		}
	}
	if d.ring != nil {
		errs = append(errs, d.ring.Close())
	}
	return errors.Join(errs...)
}

// exchange makes the programs count into the other map.
func (d *drain) exchange() error {
	d.current = 1 - d.current
	if err := d.tallies.Put(uint32(0), d.inner[d.current]); err != nil {
		return fmt.Errorf("exchange tallies: %w", err)
	}
	return nil
}

// read returns what was counted since the last read. The last read of all looks
// even where nothing seems to have been counted: a program may be on its way.
func (d *drain) read(last bool) ([]event.Event, error) {
	stats, err := d.stats()
	if err != nil {
		return nil, err
	}
	if stats[bpfStatSTAT_COUNTED] == d.seen && !last {
		return nil, nil
	}
	full := d.inner[d.current]
	if err := d.exchange(); err != nil {
		return nil, err
	}
	// What arrives from here on goes to the other map and is counted next time.
	d.seen = stats[bpfStatSTAT_COUNTED]
	d.decoder.setClock(time.Now())
	d.events, d.locations = nil, d.locations[:0]
	if err := d.readRing(); err != nil {
		return nil, err
	}
	if err := d.readTally(full); err != nil {
		return nil, err
	}
	d.locate()
	return d.events, nil
}

// emit adds an event of a key.
func (d *drain) emit(e event.Event, key *bpfKey) {
	d.events = append(d.events, e)
	d.locations = append(d.locations, key.Location)
}

// locate names the locations of the events.
func (d *drain) locate() {
	d.locator.learn(d.locations)
	for i := range d.events {
		d.events[i].Location = d.locator[d.locations[i]]
	}
}

// readRing empties the ring buffer: into events where every drop was asked for,
// else into details for the counts.
func (d *drain) readRing() error {
	d.ring.SetDeadline(time.Unix(1, 0))
	for {
		err := d.ring.ReadInto(&d.record)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read details: %w", err)
		}
		detail, err := decodeDetail(d.record.RawSample)
		if err != nil {
			return err
		}
		if !d.everyDrop {
			d.details[detail.Key] = detail
			continue
		}
		d.owed[detail.Key]--
		e := d.decoder.event(&detail.Key, detail.Time, detail.SrcPort)
		e.Count, e.Evidence = 1, evidence(detail)
		d.emit(e, &detail.Key)
	}
}

// readTally takes everything out of a map that nobody counts into.
func (d *drain) readTally(m *ebpf.Map) error {
	var cursor ebpf.MapBatchCursor
	perKey := len(d.values) / batch
	for {
		n, err := m.BatchLookupAndDelete(&cursor, d.keys, d.values, nil)
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("read tally: %w", err)
		}
		for i := range n {
			d.settle(&d.keys[i], sum(d.values[i*perKey:(i+1)*perKey]))
		}
		if err != nil {
			return nil
		}
	}
}

// settle turns a key's count into an event, less what the ring buffer brought.
func (d *drain) settle(key *bpfKey, total bpfTally) {
	e := d.decoder.event(key, total.Time, total.SrcPort)
	if !d.everyDrop {
		e.Count, e.Evidence = total.Count, evidence(d.detailOf(key, &total))
		d.emit(e, key)
		return
	}
	owed := d.owed[*key] + int64(total.Count)
	delete(d.owed, *key)
	switch {
	case owed < 0:
		d.owed[*key] = owed
	case owed > 0:
		e.Count, e.Merged = uint64(owed), uint64(owed)-1
		d.emit(e, key)
	}
}

// detailOf returns the key's detail. One that is newer than the count came after
// the exchange and before the ring buffer was read: it is the next count's too.
func (d *drain) detailOf(key *bpfKey, total *bpfTally) *bpfDetail {
	detail := d.details[*key]
	if detail != nil && detail.Time <= total.Time {
		delete(d.details, *key)
	}
	return detail
}

// sum adds up the CPUs; time and port are those of the newest.
func sum(perCPU []bpfTally) bpfTally {
	var total bpfTally
	for i := range perCPU {
		t := &perCPU[i]
		total.Count += t.Count
		if t.Time > total.Time {
			total.Time, total.SrcPort = t.Time, t.SrcPort
		}
	}
	return total
}

// stats adds up the programs' own counters.
func (d *drain) stats() ([bpfStatSTAT_MAX]uint64, error) {
	var totals [bpfStatSTAT_MAX]uint64
	for i := range totals {
		var perCPU []uint64
		if err := d.statMap.Lookup(uint32(i), &perCPU); err != nil {
			return totals, fmt.Errorf("read statistics: %w", err)
		}
		for _, n := range perCPU {
			totals[i] += n
		}
	}
	return totals, nil
}
