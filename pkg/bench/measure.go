// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/synwatch/synwatch/pkg/flood"
)

// Load is what the tracers are put under.
type Load struct {
	Field   *flood.Field
	Target  *flood.Target
	Cause   string
	Sources uint32
	Packets uint64
	CPU     int // that receives them
}

// Run is one contender under the load once.
type Run struct {
	Sent    flood.Sent
	Dropped uint64 // by the kernel, while the tracer watched
	Told    Told
	First   time.Duration // from the start to the first drop told
	CPU     time.Duration // of the tracer's process, during the flood
	Memory  uint64        // bytes resident at most
}

const (
	startLimit = 60 * time.Second
	// settle is what a tracer gets to tell of the last drops; it counts as part
	// of the flood.
	settle = 300 * time.Millisecond
)

// Measure starts a contender, floods, and stops it.
func (l *Load) Measure(ctx context.Context, c Contender) (r Run, err error) {
	sender, err := l.Field.NewSender(l.Target.Addr, l.Sources)
	if err != nil {
		return r, err
	}
	defer sender.Close()
	began := time.Now()
	t, err := c.Start(ctx, Watched{l.Cause, flood.Sources})
	if err != nil {
		return r, err
	}
	stopped := false
	defer func() {
		if !stopped {
			_, stopErr := t.Stop()
			err = errors.Join(err, stopErr)
		}
	}()
	if err := l.awaitFirst(ctx, t); err != nil {
		return r, fmt.Errorf("%s: %w", c.Name, err)
	}
	r.First = time.Since(began)
	if err := l.flood(ctx, t, sender, &r); err != nil {
		return r, fmt.Errorf("%s: %w", c.Name, err)
	}
	stopped = true
	r.Told, err = t.Stop()
	return r, err
}

// awaitFirst has the server drop a packet now and then, until the tracer tells
// of one.
func (l *Load) awaitFirst(ctx context.Context, t Tracer) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	one, err := l.Field.NewStray(l.Target.Addr)
	if err != nil {
		return err
	}
	defer one.Close()
	for {
		seen, err := t.Seen()
		if seen || err != nil {
			return err
		}
		if _, err := one.Send(ctx, l.CPU, 1); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no drop was told: %w", ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
}

func (l *Load) flood(ctx context.Context, t Tracer, s *flood.Sender, r *Run) error {
	dropped, err := l.Target.Dropped()
	if err != nil {
		return err
	}
	before, err := usageOf(t.Process())
	if err != nil {
		return err
	}
	if r.Sent, err = s.Send(ctx, l.CPU, l.Packets); err != nil {
		return err
	}
	if t.Process() != 0 {
		time.Sleep(settle)
	}
	after, err := usageOf(t.Process())
	if err != nil {
		return err
	}
	r.CPU, r.Memory = after.cpu-before.cpu, after.memory
	droppedThen, err := l.Target.Dropped()
	r.Dropped = droppedThen - dropped
	return err
}
