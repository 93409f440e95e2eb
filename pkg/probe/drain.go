// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
)

// A table with many keys is emptied less often, so that what it costs stays the
// same part of the time: keyTime for each. Details come in between all the same.
const (
	keyTime  = 100 * time.Microsecond
	maxDelay = 10 * time.Second
)

// quiet is how long no drop must have been counted until the next one is sure to have
// a detail: no kind has used up its allowance of the window then; see bpf/tally.h.
const quiet = 200 * time.Millisecond

// floodRate is how many drops a second are a flood.
const floodRate = 20_000

// drain fetches counts and details.
type drain struct {
	table    *table
	overflow *overflow
	statMap  *ebpf.Map
	ring     *ringbuf.Reader
	decoder  *decoder

	everyDrop bool
	// emptying says that the exchanged table is not empty yet; found is how many
	// keys it had so far, and due when the tables are exchanged next.
	emptying bool
	found    int
	due      time.Time
	// counted is how many drops the table had, began when its counting began, and
	// flood says that the drops of the table before were a flood.
	counted   uint64
	began     time.Time
	exchanged time.Time
	flood     bool
	// quietSince is when the last count came, zero if the last tick had one.
	quietSince time.Time
	// details are those that wait for their key's count, or that have it and may be the
	// next one's, too; see forget.
	details map[bpfKey]*bpfDetail
	// unreported is, for a key whose drops are reported one by one, how many were
	// counted and not reported yet. It is negative while details arrived before their
	// counts.
	unreported map[bpfKey]int64

	locator *locator
	ignored *ignored
	// events are those of the current read, keys theirs.
	events []event.Event
	keys   []bpfKey

	record ringbuf.Record
}

func newDrain(l *loader, k *kernel, everyDrop bool) (*drain, error) {
	d := &drain{
		statMap:    l.maps["stats"],
		decoder:    newDecoder(k),
		everyDrop:  everyDrop,
		details:    map[bpfKey]*bpfDetail{},
		unreported: map[bpfKey]int64{},
	}
	var err error
	if d.table, err = newTable(l); err != nil {
		return nil, err
	}
	d.ignored = newIgnored(l, d.table.wait)
	d.locator = newLocator(l)
	d.overflow = newOverflow(l.maps, d.table.perKey)
	if d.ring, err = ringbuf.NewReader(l.maps["details"]); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *drain) close() error {
	errs := []error{d.table.close(), d.locator.close()}
	if d.ring != nil {
		errs = append(errs, d.ring.Close())
	}
	return errors.Join(errs...)
}

// read returns events of what was counted, or none. It must be called at each tick,
// and without a wait while the table is being emptied. The events are valid until the
// next call.
func (d *drain) read(now time.Time, last bool) ([]event.Event, error) {
	d.events, d.keys = d.events[:0], d.keys[:0]
	if err := d.collect(now, last); err != nil {
		return nil, err
	}
	d.locate()
	return d.events, nil
}

func (d *drain) collect(now time.Time, last bool) error {
	if d.emptying {
		return d.empty(now)
	}
	if last {
		// A program that began when counting was on may be on its way.
		if err := d.table.wait(); err != nil {
			return err
		}
	}
	counted, err := d.table.hasCounts()
	if err != nil {
		return err
	}
	if !counted {
		d.began, d.flood = now, false
		if d.quietSince.IsZero() {
			d.quietSince = now
		}
		return nil
	}
	d.quietSince = time.Time{}
	// Not before: an ordinary system call wakes a second thread; see clock.
	d.decoder.setClock(now)
	if !last && now.Before(d.due) {
		return d.readRing(d.report)
	}
	if err := d.table.exchange(d.decoder.ktime); err != nil {
		return err
	}
	d.emptying, d.found, d.exchanged = true, 0, now
	keep := d.keep
	if d.everyDrop {
		keep = d.report
	}
	if err := d.readRing(keep); err != nil {
		return err
	}
	if err := d.readOverflow(); err != nil {
		return err
	}
	return d.empty(now)
}

// isQuiet says whether the next drop will have a detail.
func (d *drain) isQuiet(now time.Time) bool {
	return !d.quietSince.IsZero() && now.Sub(d.quietSince) >= quiet
}

// empty settles the next keys of the exchanged table.
func (d *drain) empty(now time.Time) error {
	keys, last, err := d.table.next()
	if err != nil {
		return err
	}
	for i := range keys {
		n := d.table.total(i, d.decoder.ktime)
		d.counted += n.count
		d.settle(&keys[i], n)
	}
	d.found += len(keys)
	if last {
		d.emptying = false
		d.forget()
		d.due = now.Add(min(time.Duration(d.found)*keyTime, maxDelay))
		d.flood = float64(d.counted) >= floodRate*d.exchanged.Sub(d.began).Seconds()
		d.began, d.counted = d.exchanged, 0
	}
	return nil
}

// emit adds an event of a key.
func (d *drain) emit(e event.Event, key *bpfKey) {
	d.events = append(d.events, e)
	d.keys = append(d.keys, *key)
}

// locate names the locations of the events.
func (d *drain) locate() {
	d.locator.learn(d.keys)
	for i := range d.events {
		d.events[i].Location = d.locator.known[d.keys[i].Location]
	}
}

// readRing empties the ring buffer.
func (d *drain) readRing(take func(*bpfDetail)) error {
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
		take(detail)
	}
}

// keep leaves a detail to its key's count.
func (d *drain) keep(detail *bpfDetail) {
	d.details[detail.Key] = detail
}

// report makes an event of the single drop that a detail describes.
func (d *drain) report(detail *bpfDetail) {
	d.unreported[detail.Key]--
	e := d.decoder.event(&detail.Key, detail.Time, detail.SrcPort)
	e.Count, e.Evidence = 1, evidence(detail)
	d.emit(e, &detail.Key)
}

// settle makes an event of a key's count, less the drops that were reported before.
func (d *drain) settle(key *bpfKey, n total) {
	unreported := d.unreported[*key] + int64(n.count)
	delete(d.unreported, *key)
	detail := d.details[*key]
	if unreported < 0 {
		d.unreported[*key] = unreported
	}
	if unreported <= 0 {
		return
	}
	e := d.decoder.event(key, n.time, n.srcPort)
	e.Count, e.Evidence = uint64(unreported), evidence(detail)
	if d.everyDrop {
		e.Merged = e.Count - 1
	}
	d.emit(e, key)
}

// forget drops the details of what is settled. One that was sent since the tables were
// exchanged may be the next count's: programs count and send in the new table while the
// ring buffer is read. The clock was set just before the exchange.
func (d *drain) forget() {
	maps.DeleteFunc(d.details, func(_ bpfKey, detail *bpfDetail) bool { return detail.Time < d.decoder.ktime })
}

// readOverflow makes events of the drops whose source had no room.
func (d *drain) readOverflow() error {
	return d.overflow.empty(d.table.other(), func(k *bpfKindInNetns, n uint64) {
		e := d.decoder.kind(&k.Kind, netns.ID{Cookie: k.NetnsCookie, Inode: k.Netns})
		e.Time, e.Count = d.decoder.now, n
		d.counted += n
		d.emit(e, &bpfKey{
			Facts: k.Kind.Facts, Location: k.Kind.Location, Reason: k.Kind.Reason, Hook: uint8(k.Kind.Hook),
			NetnsCookie: k.NetnsCookie, Netns: k.Netns,
		})
	})
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
