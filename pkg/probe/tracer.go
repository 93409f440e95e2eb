// SPDX-License-Identifier: Apache-2.0

// Package probe is the user-space half of the tracer: it loads the BPF programs, attaches
// each hook in the best way that the running kernel allows, and reads the counts. The
// command uses BPF through this package only.
package probe

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
)

// How often the counts are fetched: when coalesced, and when a record per drop
// is asked for and the ring buffer must not fill.
const (
	tick      = 100 * time.Millisecond
	quickTick = 20 * time.Millisecond
)

// Tracer counts refused connections from Start until Stop. Read, Coverage and
// Close are for one goroutine; Stop and Losses for any.
type Tracer struct {
	kernel *kernel
	loader *loader
	drain  *drain
	free   *tracepoint
	hooks  []*probe
	// coverage is what the hooks that are attached now can see.
	coverage event.Coverage

	// census is nil where the kernel cannot take one.
	census *census

	clock    *clock
	wakeup   *wakeup
	stopping chan struct{}
	stop     sync.Once
	finished bool
}

// Open loads and attaches everything that this kernel allows. Nothing is counted
// before Start. Errors that satisfy errors.Is(err, ErrCannot) say in one line
// why this machine cannot trace.
func Open(o Options) (*Tracer, error) {
	if err := checkPrivilege(); err != nil {
		return nil, err
	}
	if err := raiseMemlock(); err != nil {
		return nil, err
	}
	if err := checkRingbuf(); err != nil {
		return nil, err
	}
	k, err := readKernel(o.BTF)
	if err != nil {
		return nil, err
	}
	t := &Tracer{kernel: k, stopping: make(chan struct{})}
	if err := t.open(o); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

func (t *Tracer) open(o Options) (err error) {
	if t.loader, err = newLoader(t.kernel, o); err != nil {
		return refusal(err)
	}
	if t.drain, err = newDrain(t.loader, t.kernel, o.EveryDrop); err != nil {
		return err
	}
	if t.free, err = attachTracepoint(t.loader); err != nil {
		return refusal(fmt.Errorf("attach to the kfree_skb tracepoint: %w", err))
	}
	for i := range hooks {
		if !t.kernel.needs(&hooks[i]) {
			continue
		}
		p := &probe{hook: &hooks[i]}
		p.attachBest(t.loader, t.kernel)
		t.hooks = append(t.hooks, p)
	}
	t.attachPassage()
	t.census, _ = newCensus(t.kernel) // without it, /proc is read
	t.loader.release(t.awaited())
	t.coverage = t.currentCoverage()
	if t.wakeup, err = newWakeup(t.loader.maps["details"], t.drain.ring); err != nil {
		return err
	}
	interval := tick
	if o.EveryDrop {
		interval = quickTick
	}
	t.clock, err = newClock(interval)
	return err
}

// Start begins to count.
func (t *Tracer) Start() error {
	return t.setEnabled(true)
}

// Stop ends counting. Read returns what is left and then io.EOF.
func (t *Tracer) Stop() error {
	var err error
	t.stop.Do(func() {
		err = t.setEnabled(false)
		close(t.stopping)
		t.Wake()
	})
	return err
}

// Wake ends the wait of a Read. One that waits on a clock that cannot be set does so until
// the next tick.
func (t *Tracer) Wake() {
	_ = t.clock.set(1)
	t.wakeup.wake()
}

// Census says which network namespaces there are, nil where the kernel cannot. It may be
// asked until Close, by any goroutine.
func (t *Tracer) Census() netns.Census {
	if t.census == nil {
		return nil
	}
	return t.census
}

func (t *Tracer) setEnabled(on bool) error {
	if err := t.loader.variables["enabled"].Set(on); err != nil {
		return fmt.Errorf("switch the hooks: %w", err)
	}
	return nil
}

// Read returns events of drops that were counted since the last read, or none; they
// are valid until the next call. Unless more events are ready, it waits for the next
// tick, at most 100 ms. If nothing was counted for a while, it waits until something
// is, or until the given time. After Stop it returns the rest and then io.EOF.
func (t *Tracer) Read(until time.Time) ([]event.Event, error) {
	if !t.drain.emptying {
		if t.finished {
			return nil, io.EOF
		}
		if err := t.await(until); err != nil {
			return nil, err
		}
		t.attachLoaded()
	}
	now := time.Now()
	events, err := t.drain.read(now, t.finished)
	if s := t.free.second; err == nil && s != nil {
		err = s.update(now, t.drain.flood, t.countedBySecond)
	}
	return events, err
}

// Ignore says that event number i of the last Read is no drop, like all events that
// differ from it by addresses and ports alone. These are not counted any more until
// the coverage changes.
func (t *Tracer) Ignore(i int) {
	t.drain.ignored.add(&t.drain.keys[i])
}

// await returns at the next tick, or after Stop.
func (t *Tracer) await(until time.Time) error {
	var err error
	if now := time.Now(); t.drain.isQuiet(now) && until.Sub(now) > t.clock.interval {
		err = t.rest(until)
	} else {
		err = t.clock.wait()
	}
	if err != nil {
		return fmt.Errorf("wait for the next tick: %w", err)
	}
	select {
	case <-t.stopping:
		t.finished = true
	default:
	}
	return nil
}

// rest stops the ticks until there are details.
func (t *Tracer) rest(until time.Time) error {
	return errors.Join(t.clock.set(0), t.wakeup.wait(until), t.clock.set(t.clock.interval))
}

// Losses says what could not be reported in full so far.
func (t *Tracer) Losses() (event.Losses, error) {
	s, err := t.drain.stats()
	if err != nil {
		return event.Losses{}, err
	}
	free, err := missedBy(t.free.prog)
	if err != nil {
		return event.Losses{}, err
	}
	missed, err := t.missed()
	return event.Losses{
		Lost:         lost(&s, free),
		Unattributed: s[bpfStatSTAT_UNATTRIBUTED],
		Missed:       missed,
	}, err
}

// lost is the drops that nothing counted, of which missed is how many the
// tracepoint's first program missed.
func lost(s *[bpfStatSTAT_MAX]uint64, missed uint64) uint64 {
	return s[bpfStatSTAT_LOST] + missed - min(missed, s[bpfStatSTAT_SECOND_PROGRAM])
}

func (t *Tracer) countedBySecond() (uint64, error) {
	s, err := t.drain.stats()
	return s[bpfStatSTAT_SECOND_PROGRAM], err
}

// Close detaches everything. It may be called more than once.
func (t *Tracer) Close() error {
	var errs []error
	for _, p := range t.hooks {
		errs = append(errs, closeAll(p.programs))
		p.programs = nil
	}
	if t.free != nil {
		errs = append(errs, t.free.close())
		t.free = nil
	}
	if t.wakeup != nil {
		errs = append(errs, t.wakeup.close())
	}
	if t.drain != nil {
		errs = append(errs, t.drain.close())
		t.drain = nil
	}
	if t.loader != nil {
		t.loader.close()
		t.loader = nil
	}
	if t.census != nil {
		errs = append(errs, t.census.close())
	}
	if t.clock != nil {
		errs = append(errs, t.clock.close())
	}
	return errors.Join(errs...)
}
