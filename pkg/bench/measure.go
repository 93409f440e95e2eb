// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/synwatch/synwatch/pkg/flood"
)

// Run is one contender under one load, once.
type Run struct {
	Sent    flood.Sent
	Dropped uint64 // by the kernel, while the tracer watched
	Report  Report
	First   time.Duration // from the start of the tracer to the first drop reported
	Needle  time.Duration // from a drop of another kind during the flood until it was reported; 0: not measured
	CPU     time.Duration // of the tracer's process, during the flood
	Memory  uint64        // bytes resident at most
	Costs   []Cost        // of the tracer's BPF programs during the flood, if asked for
}

// settle is the time that a tracer gets to report the last drops; it counts as part of
// the flood.
const settle = 300 * time.Millisecond

// Bench is a scenario of a size.
type Bench struct {
	Scenario Scenario
	Size     Size
	// Profile has the kernel measure BPF programs, which costs them a little.
	Profile bool
}

// measurement is a Run in the making.
type measurement struct {
	Bench
	Run
	netns  uint32
	load   load
	tracer Tracer
	beside *singles
}

// Measure starts a contender, puts it under the load, and stops it.
func (b Bench) Measure(ctx context.Context, c Contender) (r Run, err error) {
	lab, err := flood.NewLab(ctx)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	m := &measurement{Bench: b, netns: lab.Netns()}
	if m.load, err = b.Scenario.prepare(lab, b.Size); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, m.load.close()) }()
	if m.beside, err = newSingles(lab); err != nil {
		return r, err
	}
	if err := m.profiled(func() error { return m.trace(ctx, c) }); err != nil {
		return r, fmt.Errorf("%s: %w", c.Name, err)
	}
	return m.Run, nil
}

func (m *measurement) trace(ctx context.Context, c Contender) (err error) {
	began := time.Now()
	if m.tracer, err = c.Start(ctx, Watched{m.Scenario.Cause, flood.Sources, m.netns}); err != nil {
		return err
	}
	defer func() {
		report, stopErr := m.tracer.Stop()
		m.Report, err = report, errors.Join(err, stopErr)
	}()
	if err := m.beside.await(ctx, m.tracer); err != nil {
		return err
	}
	m.First = time.Since(began)
	return m.watch(ctx)
}

// watch runs the load and reads what it cost.
func (m *measurement) watch(ctx context.Context) error {
	dropped, err := m.load.dropped()
	if err != nil {
		return err
	}
	if err := m.load.warmUp(ctx); err != nil {
		return err
	}
	if !m.Scenario.Floods {
		// A tracer that has had time to look at it once knows what is no drop.
		time.Sleep(settle)
	}
	before, err := usageOf(m.tracer.Process())
	if err != nil {
		return err
	}
	if m.Costs, err = m.profile(func() error { return m.run(ctx) }); err != nil {
		return err
	}
	if m.tracer.Process() != 0 {
		time.Sleep(settle)
	}
	after, err := usageOf(m.tracer.Process())
	if err != nil {
		return err
	}
	m.CPU, m.Memory = after.cpu-before.cpu, after.memory
	droppedThen, err := m.load.dropped()
	m.Dropped = droppedThen - dropped
	return err
}

// run runs the load, and in the midst of a flood from a single source looks for
// a needle.
func (m *measurement) run(ctx context.Context) error {
	found := make(chan error, 1)
	go func() { found <- m.find(ctx) }()
	var err error
	m.Sent, err = m.load.run(ctx)
	return errors.Join(err, <-found)
}

func (m *measurement) find(ctx context.Context) (err error) {
	alike := m.Scenario.Cause == flood.ClosedPort.Cause
	if !m.Scenario.Floods || m.Size.Sources > 1 || alike || m.tracer.Process() == 0 {
		return nil
	}
	time.Sleep(settle)
	m.Needle, err = m.beside.find(ctx, m.tracer)
	return err
}
