// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/synwatch/synwatch/pkg/stream"
)

// The bounds of the speed.
const (
	slowest = 1.0 / 16
	fastest = 4096
)

// steering changes how a capture is played. What is zero stays as it is.
type steering struct {
	faster float64
	seek   time.Duration
	pause  *bool
}

// played is how a capture is being played.
type played struct {
	speed float64
	// ended says that there is no more of it.
	ended bool
}

// Player plays a capture to a feed: each line at its time, by a clock that the user
// steers. To go back, it begins anew and catches up.
type Player struct {
	*Feed
	// read reads the whole capture from its beginning into a sink, until that has an error.
	read func(stream.Sink) error
	wall func() time.Time

	mu      sync.Mutex
	begin   time.Time // of the capture, zero before its first line
	at      time.Time // where the clock was when
	since   time.Time // this time was it on the wall
	speed   float64
	paused  bool
	ended   bool
	rewound bool
	changed chan struct{} // closed when the user steers
}

// errRewound ends a reading that is to begin anew.
var errRewound = errors.New("rewound")

// NewPlayer returns the player of the capture that read reads.
func NewPlayer(wall func() time.Time, create func(string) (Capture, error), read func(stream.Sink) error) *Player {
	p := &Player{read: read, wall: wall, speed: 1, changed: make(chan struct{})}
	p.Feed = NewFeed(p.Now, create)
	return p
}

// Now is the time in the capture.
func (p *Player) Now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clock()
}

func (p *Player) clock() time.Time {
	if p.paused || p.ended || p.begin.IsZero() {
		return p.at
	}
	return p.at.Add(time.Duration(float64(p.wall().Sub(p.since)) * p.speed))
}

// Play plays until the context ends.
func (p *Player) Play(ctx context.Context) error {
	for ctx.Err() == nil {
		err := p.read(&paced{ctx, p})
		switch {
		case errors.Is(err, errRewound):
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

func (p *Player) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at, p.since, p.ended = p.clock(), p.wall(), true
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
	if p.begin.IsZero() {
		p.begin, p.at, p.since = t, t, p.wall()
	}
	p.mu.Unlock()
	due := p.wait(ctx, func() (time.Duration, bool) {
		left := t.Sub(p.clock())
		if p.paused {
			return time.Hour, left <= 0 || p.rewound
		}
		return time.Duration(float64(left) / p.speed), left <= 0 || p.rewound
	})
	switch {
	case !due:
		return context.Canceled
	case p.again():
		return errRewound
	}
	return nil
}

func (p *Player) steer(s steering) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at, p.since = p.clock(), p.wall()
	if s.faster > 0 {
		p.speed = min(max(p.speed*s.faster, slowest), fastest)
	}
	if s.pause != nil {
		p.paused = *s.pause
	}
	if s.seek != 0 && !(s.seek > 0 && p.ended) {
		p.at = p.at.Add(s.seek)
		if p.at.Before(p.begin) {
			p.at = p.begin
		}
		p.rewound = p.rewound || s.seek < 0
		p.ended = false
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Player) look(q question) look {
	l := p.Feed.look(q)
	p.mu.Lock()
	defer p.mu.Unlock()
	l.played = played{p.speed, p.ended}
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
