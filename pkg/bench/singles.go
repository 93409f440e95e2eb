// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/synwatch/synwatch/pkg/flood"
)

const (
	// startLimit bounds the wait for a tracer's first output.
	startLimit = 60 * time.Second
	// needleLimit bounds the search for a needle.
	needleLimit = 10 * time.Second
	// look is how long to wait between two looks at what a tracer wrote.
	look = time.Millisecond
)

// singles sends single packets to a closed port.
type singles struct{ first, needle *flood.Sender }

func newSingles(f *flood.Lab) (*singles, error) {
	port, err := flood.ClosedPort.Prepare(f)
	if err != nil {
		return nil, err
	}
	first, err := f.NewSingle(port.Addr, flood.Singles[0])
	if err != nil {
		return nil, err
	}
	needle, err := f.NewSingle(port.Addr, flood.Singles[1])
	if err != nil {
		return nil, err
	}
	return &singles{first, needle}, nil
}

// await sends a packet now and then, until the tracer reports one.
func (s *singles) await(ctx context.Context, t Tracer) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		if shown, err := t.Shows(flood.Singles[0]); shown || err != nil {
			return err
		}
		if _, err := s.first.Send(ctx, 0, 1); err != nil {
			return err
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("it reported no drop: %w", err)
		}
	}
}

// find sends a single packet and returns when the tracer has reported it.
func (s *singles) find(ctx context.Context, t Tracer) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, needleLimit)
	defer cancel()
	began := time.Now()
	if _, err := s.needle.Send(ctx, 0, 1); err != nil {
		return 0, err
	}
	for {
		shown, err := t.Shows(flood.Singles[1])
		if shown || err != nil {
			return time.Since(began), err
		}
		if err := pause(ctx); err != nil {
			return needleLimit, nil // not in time: a result, too
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(look):
		return nil
	}
}
