// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"io"
	"time"
)

// Keep returns a contender whose command is not started anew for each measurement: it
// goes on tracing until stop is called. Other contenders remain as they are.
func Keep(c Contender) (keeping Contender, stop func() error) {
	var running *command
	start := func(ctx context.Context, w Watched) (Tracer, error) {
		if running != nil {
			return kept{running}, running.watch(w)
		}
		t, err := c.Start(ctx, w)
		if err != nil {
			return nil, err
		}
		ok := false
		if running, ok = t.(*command); !ok {
			return t, nil
		}
		return kept{running}, nil
	}
	stop = func() error {
		if running == nil {
			return nil
		}
		_, err := running.Stop()
		return err
	}
	keeping = c
	keeping.Start = start
	return keeping, stop
}

// kept is a command that goes on when a measurement ends.
type kept struct{ *command }

// interval is how long a tracer may take to report the last drops while it goes on.
const interval = 2 * time.Second

// Stop returns what it has reported so far, of which it writes whole lines at a time.
func (k kept) Stop() (Report, error) {
	time.Sleep(interval)
	return k.read()
}

// watch has the command watched from now on for other drops.
func (c *command) watch(w Watched) (err error) {
	c.watched, c.half = w, nil
	c.from, err = c.out.Seek(0, io.SeekEnd)
	return err
}
