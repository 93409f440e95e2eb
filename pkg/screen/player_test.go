// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
)

// wall is a clock that a test moves.
type wall struct {
	mu  sync.Mutex
	now time.Time
}

func (w *wall) read() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *wall) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func TestPlayer(t *testing.T) {
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := lookupCause(t, "no-listener")
	readings := 0
	read := func(_ context.Context, to stream.Sink) error { // a drop a minute for an hour
		readings++
		err := to.Start(stream.Start{Time: begin})
		for i := 1; i <= 60 && err == nil; i++ {
			err = to.Record(stream.Record{Cause: c, Event: event.Event{
				Time: begin.Add(time.Duration(i) * time.Minute), Count: 1, Src: netip.MustParseAddrPort("10.0.0.1:1"), Dst: netip.MustParseAddrPort("10.0.0.2:2"),
			}})
		}
		return err
	}
	clock := &wall{now: time.Unix(0, 0)}
	p := NewPlayer(clock.read, nil, read)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Play(ctx) }()
	defer cancel()
	drops := func(want uint64, ended bool) {
		t.Helper()
		for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			l := p.look(question{})
			if l.snapshot.Drops == want && l.played.ended == ended {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%d drops at %v, ended %v; want %d", l.snapshot.Drops, p.Now(), l.played.ended, want)
			}
		}
	}
	steer := func(s steering) {
		t.Helper()
		if err := p.steer(s); err != nil {
			t.Fatal(err)
		}
	}
	stop, goOn := true, false
	for p.Now().IsZero() {
		time.Sleep(time.Millisecond)
	}
	steer(steering{pause: &stop})
	steer(steering{seek: 10 * time.Minute})
	drops(10, false)
	steer(steering{seek: -7 * time.Minute})
	drops(3, false)
	steer(steering{faster: 60, pause: &goOn})
	clock.pass(2*time.Second + 500*time.Millisecond)
	steer(steering{pause: &stop})
	drops(5, false)
	steer(steering{seek: 2 * time.Hour})
	drops(60, true)
	steer(steering{seek: -24 * time.Hour})
	drops(0, false)
	if readings != 3 || !p.Now().Equal(begin) {
		t.Errorf("%d readings, now %v", readings, p.Now())
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// drop is a capture of one drop, which then waits for more until the context ends.
func drop(t *testing.T, begin time.Time, more bool) Reading {
	c := lookupCause(t, "no-listener")
	return func(ctx context.Context, to stream.Sink) error {
		if err := to.Start(stream.Start{Time: begin}); err != nil {
			return err
		}
		err := to.Record(stream.Record{Cause: c, Event: event.Event{
			Time: begin.Add(time.Hour), Count: 1, Src: netip.MustParseAddrPort("10.0.0.1:1"), Dst: netip.MustParseAddrPort("10.0.0.2:2"),
		}})
		if err == nil && more {
			<-ctx.Done()
			err = ctx.Err()
		}
		return err
	}
}

// play plays until the test ends.
func play(t *testing.T, p *Player) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Play(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// await waits until a look is as it should.
func await(t *testing.T, p *Player, want func(look) bool) {
	t.Helper()
	for end := time.Now().Add(patience); !want(p.look(question{})); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("at %v: %+v", p.Now(), p.look(question{}).played)
		}
	}
}

var stopped = &wall{now: time.Unix(0, 0)}

// The end of a pipe is whatever is newest, and to go back does not wait for more of it.
func TestPlayerAtTheNewestOfAPipe(t *testing.T) {
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := NewPlayer(stopped.read, nil, drop(t, begin, true))
	play(t, p)
	await(t, p, func(l look) bool { return l.now.Equal(begin) })
	if err := p.steer(steering{end: true}); err != nil {
		t.Fatal(err)
	}
	await(t, p, func(l look) bool {
		return l.snapshot.Drops == 1 && l.now.Equal(begin.Add(time.Hour)) && l.played.newest && !l.played.ended
	})
	if err := p.steer(steering{seek: -10 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	await(t, p, func(l look) bool {
		return l.snapshot.Drops == 0 && l.now.Equal(begin.Add(50*time.Minute)) && l.played == played{speed: 1}
	})
}

func TestPlayerCannotGoBackBehindWhatIsKept(t *testing.T) {
	begin, passed := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), errors.New("passed")
	p := NewPlayer(stopped.read, nil, drop(t, begin, false))
	p.Kept = func() error { return passed }
	play(t, p)
	await(t, p, func(l look) bool { return l.now.Equal(begin) })
	_ = p.steer(steering{end: true})
	await(t, p, func(l look) bool { return l.played.ended })
	if err := p.steer(steering{seek: -time.Minute}); !errors.Is(err, passed) || !p.Now().Equal(begin.Add(time.Hour)) {
		t.Errorf("%v at %v", err, p.Now())
	}
}

func TestPlayerFiltersAllThatItPlayed(t *testing.T) {
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c, readings := lookupCause(t, "no-listener"), 0
	const many = 10_000 // more than are kept
	p := NewPlayer(stopped.read, nil, func(_ context.Context, to stream.Sink) error {
		readings++
		err := to.Start(stream.Start{Time: begin})
		for i := 0; i < many && err == nil; i++ {
			err = to.Record(stream.Record{Cause: c, Event: event.Event{Time: begin, Count: 1, Dst: netip.MustParseAddrPort("10.0.0.2:2")}})
		}
		return err
	})
	play(t, p)
	await(t, p, func(l look) bool { return l.played.ended && l.snapshot.Drops == many })
	match, err := parse("port:2")
	if err != nil {
		t.Fatal(err)
	}
	p.filter(match)
	await(t, p, func(l look) bool { return l.played.ended && l.snapshot.Drops == many })
	if readings != 2 {
		t.Errorf("%d readings", readings)
	}
}

func TestPlayerReportsWhatCannotBeRead(t *testing.T) {
	broken := errors.New("broken")
	p := NewPlayer(time.Now, nil, func(context.Context, stream.Sink) error { return broken })
	if err := p.Play(context.Background()); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
