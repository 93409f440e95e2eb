// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"time"

	"github.com/synwatch/synwatch/pkg/flood"
)

// Scenario is what the tracers are put under.
type Scenario struct {
	Name  string
	Cause string // of the drops, by synwatch's name; "" where nothing is dropped
	// Floods says that it is a flood, of a number of sources.
	Floods  bool
	prepare func(*flood.Lab, Size) (load, error)
}

// Size is how much of it.
type Size struct {
	Sources     uint32
	Packets     uint64 // of a flood
	Connections uint64 // of clean traffic, or requests over those that stay open
	Idle        time.Duration
	WarmUp      time.Duration // of a flood, before it is measured
	WarmUpRate  uint64        // packets a second of it, 0 for as many as go
	CPU         int           // that receives
}

// thread is the one that connects. Where time is a count, it may differ by nothing that
// the kernel leaves to other threads.
func (s Size) thread() flood.Thread {
	return flood.Thread{CPU: s.CPU, Alone: UnitHere() == Instructions}
}

// load is a scenario in a lab.
type load interface {
	warmUp(context.Context) error
	run(context.Context) (flood.Sent, error)
	// dropped is the kernel's count of drops.
	dropped() (uint64, error)
	close() error
}

// Scenarios are those of flood, traffic that is not dropped, and none at all.
func Scenarios() []Scenario {
	var all []Scenario
	for _, s := range flood.Scenarios {
		all = append(all, Scenario{s.Name, s.Cause, true, prepareFlood(s)})
	}
	return append(all,
		Scenario{"clean", "", false, prepareClean(0)},
		Scenario{"segments", "", false, prepareClean(segments)},
		Scenario{"keep-alive", "", false, prepareKeepAlive},
		Scenario{"forward", "", false, prepareForward},
		Scenario{"idle", "", false, prepareIdle},
	)
}

type flooding struct {
	size   Size
	target *flood.Target
	sender *flood.Sender
}

func prepareFlood(s flood.Scenario) func(*flood.Lab, Size) (load, error) {
	return func(f *flood.Lab, size Size) (load, error) {
		target, err := s.Prepare(f)
		if err != nil {
			return nil, err
		}
		sender, err := f.NewSender(target.Addr, flood.Mix{Sources: size.Sources})
		if err != nil {
			return nil, errors.Join(err, target.Close())
		}
		return &flooding{size, target, sender}, nil
	}
}

func (l *flooding) run(ctx context.Context) (flood.Sent, error) {
	return l.sender.Send(ctx, l.size.CPU, l.size.Packets)
}

// warmUp floods without a measurement: tables fill, and tracers get to know that
// they are in a flood.
func (l *flooding) warmUp(ctx context.Context) error {
	batch, every := uint64(50_000), time.Duration(0)
	if l.size.WarmUpRate > 0 {
		every = 10 * time.Millisecond
		batch = max(1, l.size.WarmUpRate*uint64(every)/uint64(time.Second))
	}
	next := time.Now()
	for end := next.Add(l.size.WarmUp); time.Now().Before(end); {
		if _, err := l.sender.Send(ctx, l.size.CPU, batch); err != nil {
			return err
		}
		next = next.Add(every)
		time.Sleep(time.Until(next))
	}
	return nil
}

func (l *flooding) dropped() (uint64, error) { return l.target.Dropped() }

func (l *flooding) close() error { return l.target.Close() }

// noDrops is a load in which nothing is dropped.
type noDrops struct{}

func (noDrops) dropped() (uint64, error) { return 0, nil }
func (noDrops) close() error             { return nil }

type idling struct {
	noDrops
	size Size
}

func prepareIdle(_ *flood.Lab, size Size) (load, error) { return &idling{size: size}, nil }

func (*idling) warmUp(context.Context) error { return nil }

func (l *idling) run(ctx context.Context) (flood.Sent, error) {
	began := time.Now()
	select {
	case <-ctx.Done():
	case <-time.After(l.size.Idle):
	}
	return flood.Sent{Elapsed: time.Since(began)}, ctx.Err()
}
