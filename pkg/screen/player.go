// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/synwatch/synwatch/pkg/stream"
)

// Reading reads a whole capture from its beginning into a sink, until that has an error
// or the context ends.
type Reading func(context.Context, stream.Sink) error

// Player plays a capture to a feed: each line at its time, by a clock that the user
// steers. To go back, it begins anew and catches up, so that what it takes does not grow
// with the capture.
type Player struct {
	*Feed
	// Kept says why the capture cannot be read from its beginning again, nil if it can.
	Kept func() error

	read Reading
	wall func() time.Time

	mu      sync.Mutex
	clock   playClock
	rewound bool
	stop    context.CancelFunc // ends the reading
	changed chan struct{}      // closed when the user steers
}

// errRewound ends a reading that is to begin anew.
var errRewound = errors.New("rewound")

// NewPlayer returns the player of the capture that read reads.
func NewPlayer(wall func() time.Time, create func(string) (Capture, error), read Reading) *Player {
	p := &Player{
		Kept: func() error { return nil }, read: read, wall: wall,
		clock: playClock{speed: 1}, stop: func() {}, changed: make(chan struct{}),
	}
	p.Feed = NewFeed(p.Now, create)
	return p
}

// SetSpeed says how many times as fast as it was the capture is played. It must be
// called before Play.
func (p *Player) SetSpeed(times float64) { p.clock.speed = times }

// Now is the time in the capture.
func (p *Player) Now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clock.shown(p.wall())
}

// Play plays until the context ends.
func (p *Player) Play(ctx context.Context) error {
	for ctx.Err() == nil {
		err := p.once(ctx)
		switch {
		case p.again():
			p.restart()
			continue
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		p.end()
		if p.wait(ctx, func() (time.Duration, bool) { return time.Hour, p.rewound }) {
			p.again()
			p.restart()
		}
	}
	return nil
}

// once reads the capture once.
func (p *Player) once(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	p.mu.Lock()
	p.stop = stop
	if p.rewound {
		stop()
	}
	p.mu.Unlock()
	return p.read(ctx, &paced{ctx, p})
}

func (p *Player) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clock.end()
}

// again takes note that it was rewound, if it was.
func (p *Player) again() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	again := p.rewound
	p.rewound = false
	return again
}

// wait waits until it is ready, which also says how long to wait at most before it is
// asked again, and says whether it came to that.
func (p *Player) wait(ctx context.Context, ready func() (time.Duration, bool)) bool {
	for {
		p.mu.Lock()
		atMost, now := ready()
		changed := p.changed
		p.mu.Unlock()
		if now {
			return true
		}
		timer := time.NewTimer(atMost)
		select {
		case <-ctx.Done():
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return false
		}
	}
}

// until waits until the clock is at a time.
func (p *Player) until(ctx context.Context, t time.Time) error {
	p.mu.Lock()
	if !p.rewound {
		p.clock.reach(t, p.wall())
	}
	p.mu.Unlock()
	due := p.wait(ctx, func() (time.Duration, bool) {
		left := p.clock.left(t, p.wall())
		return left, left <= 0 || p.rewound
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.rewound:
		return errRewound
	case !due:
		return ctx.Err()
	}
	return nil
}

func (p *Player) steer(s steering) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	moved := p.clock.steered(s, p.wall())
	if moved.back {
		if err := p.Kept(); err != nil {
			return err
		}
		p.rewound = true
		p.stop()
	}
	p.clock = moved.to
	close(p.changed)
	p.changed = make(chan struct{})
	return nil
}

// filter shows only a part of the capture. All of it is read anew if it can be, so that
// what is shown is exact.
func (p *Player) filter(m Matcher) {
	p.Feed.filter(m)
	_ = p.steer(steering{anew: true})
}

func (p *Player) look(q question) look {
	p.mu.Lock()
	played := p.clock.played(p.wall())
	p.mu.Unlock()
	l := p.Feed.look(q) // after, so that what has ended is complete
	l.played = played
	return l
}

// paced is the feed's sink, for a reader that does not wait itself.
type paced struct {
	ctx context.Context
	p   *Player
}

func (s *paced) Start(v stream.Start) error     { return at(s, v.Time, s.p.Feed.Start, v) }
func (s *paced) Record(v stream.Record) error   { return at(s, v.Time, s.p.Feed.Record, v) }
func (s *paced) Sample(v stream.Sample) error   { return at(s, v.Time, s.p.Feed.Sample, v) }
func (s *paced) Summary(v stream.Summary) error { return at(s, v.Time, s.p.Feed.Summary, v) }
func (s *paced) Flush() error                   { return nil }

// at passes a line on when it is time.
func at[T any](s *paced, t time.Time, pass func(T) error, v T) error {
	if err := s.p.until(s.ctx, t); err != nil {
		return err
	}
	return pass(v)
}
