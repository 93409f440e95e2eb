// SPDX-License-Identifier: Apache-2.0

package screen

import "time"

// The bounds of the speed at which a capture is played.
const (
	Slowest = 1.0 / 16
	Fastest = 4096
)

// lagging is for how long on the wall the reader may be behind the clock before the screen
// goes by what was read.
const lagging = time.Second

// steering changes how a capture is played. What is zero stays as it is.
type steering struct {
	faster float64
	seek   time.Duration
	pause  *bool
	// end goes to the end, and to whatever is newest while there is none yet.
	end bool
	// anew reads the capture again until where it is.
	anew bool
}

// played is how a capture is being played.
type played struct {
	speed float64
	// ended says that there is no more of it.
	ended bool
	// behind says that more is read until the time that was asked for, and newest that
	// this is whatever there is.
	behind, newest bool
}

// playClock is the time in a capture.
type playClock struct {
	begin  time.Time // of the capture, zero before its first line
	last   time.Time // the newest that was read
	at     time.Time // where the clock was when
	since  time.Time // this time was it on the wall
	speed  float64
	paused bool
	newest bool
	ended  bool
	behind bool
}

// time is where the clock is.
func (c *playClock) time(wall time.Time) time.Time {
	if c.newest {
		return c.last
	}
	if c.paused || c.ended || c.begin.IsZero() {
		return c.at
	}
	return c.at.Add(time.Duration(float64(wall.Sub(c.since)) * c.speed))
}

// shown is the time of what the screen shows, which may not be read yet as far as the
// clock is.
func (c *playClock) shown(wall time.Time) time.Time {
	now := c.time(wall)
	if c.behind && c.last.Before(now) {
		return c.last
	}
	return now
}

// reach notes that a line of a time was read.
func (c *playClock) reach(t, wall time.Time) {
	if c.begin.IsZero() {
		c.begin, c.last, c.at, c.since = t, t, t, wall
	}
	if t.After(c.last) {
		c.last = t
	}
	c.behind = float64(c.time(wall).Sub(t)) > float64(lagging)*max(c.speed, 1)
}

// left is for how long on the wall a line has to wait.
func (c *playClock) left(t, wall time.Time) time.Duration {
	if c.newest {
		return 0
	}
	left := t.Sub(c.time(wall))
	switch {
	case left <= 0:
		return 0
	case c.paused:
		c.behind = false
		return time.Hour
	}
	c.behind = false
	return max(time.Duration(float64(left)/c.speed), 1)
}

// end notes that all was read.
func (c *playClock) end() {
	c.at, c.ended, c.behind, c.newest = c.last, true, false, false
}

// move is where the clock is after it was steered, and whether what was read has to be
// read again for that.
type move struct {
	to   playClock
	back bool
}

func (c playClock) steered(s steering, wall time.Time) move {
	read := c.last
	c.at, c.since = c.time(wall), wall
	if s.faster > 0 {
		c.speed = min(max(c.speed*s.faster, Slowest), Fastest)
	}
	if s.pause != nil {
		c.paused, c.newest = *s.pause, false
	}
	if s.end && !c.ended {
		c.newest = true
	}
	back := s.anew
	if s.seek != 0 && !(s.seek > 0 && c.ended) {
		c.newest = false
		c.at = c.at.Add(s.seek)
		if c.at.Before(c.begin) {
			c.at = c.begin
		}
		back = back || c.at.Before(read)
	}
	if back {
		c.last, c.ended, c.behind = c.begin, false, true
	}
	return move{c, back}
}

func (c *playClock) played(wall time.Time) played {
	return played{c.speed, c.ended, c.behind && c.last.Before(c.time(wall)), c.newest}
}
