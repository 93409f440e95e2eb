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
	read := func(to stream.Sink) error { // a drop a minute for an hour
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
	stop, goOn := true, false
	for p.Now().IsZero() {
		time.Sleep(time.Millisecond)
	}
	p.steer(steering{pause: &stop})
	p.steer(steering{seek: 10 * time.Minute})
	drops(10, false)
	p.steer(steering{seek: -7 * time.Minute})
	drops(3, false)
	p.steer(steering{faster: 60, pause: &goOn})
	clock.pass(2*time.Second + 500*time.Millisecond)
	p.steer(steering{pause: &stop})
	drops(5, false)
	p.steer(steering{seek: 2 * time.Hour})
	drops(60, true)
	p.steer(steering{seek: -24 * time.Hour})
	drops(0, false)
	if readings != 3 || !p.Now().Equal(begin) {
		t.Errorf("%d readings, now %v", readings, p.Now())
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestPlayerReportsWhatCannotBeRead(t *testing.T) {
	broken := errors.New("broken")
	p := NewPlayer(time.Now, nil, func(stream.Sink) error { return broken })
	if err := p.Play(context.Background()); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
