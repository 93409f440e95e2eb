// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/flood"
	"github.com/synwatch/synwatch/pkg/needs"
	"golang.org/x/sys/unix"
)

// floods are drops of several causes in one lab, with the counts of the kernel and of
// the senders.
type floods struct {
	t   *testing.T
	lab *flood.Lab
	all []*causeFlood
}

// causeFlood is a flood whose packets are dropped for one cause.
type causeFlood struct {
	cause  string
	target *flood.Target
	sender sender
}

// sender is a flood.PerCPUSender or a single.
type sender interface {
	Send(ctx context.Context, n uint64) error
	Counts() (map[netip.Addr]uint64, error)
}

// single sends on the first CPU.
type single struct {
	*flood.Sender
	cpu int
}

func (s single) Send(ctx context.Context, n uint64) error {
	return s.Deliver(ctx, s.cpu, n)
}

func newFloods(t *testing.T) *floods {
	t.Helper()
	needs.Root(t)
	loadModules()
	lab, err := flood.NewLab(t.Context())
	skipIfCannot(t, err)
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	return &floods{t: t, lab: lab}
}

func newMixed(t *testing.T, m flood.Mix) *floods {
	t.Helper()
	f := newFloods(t)
	f.addMixed(m)
	return f
}

// addMixed prepares closed-port and nft-drop, both from the same mix.
func (f *floods) addMixed(m flood.Mix) {
	f.t.Helper()
	for _, name := range []string{"closed-port", "nft-drop"} {
		f.add(name, func(to netip.AddrPort) (sender, error) { return f.lab.NewPerCPUSender(to, m) })
	}
}

// add prepares a scenario for a sender.
func (f *floods) add(name string, from func(to netip.AddrPort) (sender, error)) *causeFlood {
	f.t.Helper()
	at := slices.IndexFunc(flood.Scenarios, func(s flood.Scenario) bool { return s.Name == name })
	scenario := flood.Scenarios[at]
	target, err := scenario.Prepare(f.lab)
	skipIfCannot(f.t, err)
	s, err := from(target.Addr)
	if err != nil {
		f.t.Fatal(err)
	}
	cf := &causeFlood{cause: scenario.Cause, target: target, sender: s}
	f.all = append(f.all, cf)
	return cf
}

// send makes the kernel drop n packets of each cause on each CPU.
func (f *floods) send(n uint64) error {
	errs := make([]error, len(f.all))
	var wg sync.WaitGroup
	for i, cf := range f.all {
		wg.Go(func() { errs[i] = cf.sender.Send(f.t.Context(), n) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (f *floods) mustSend(n uint64) {
	f.t.Helper()
	skipIfCannot(f.t, f.send(n))
}

// only are the flags for a trace of the lab.
func (f *floods) only(args ...string) []string { return append(only(f.lab.Lab), args...) }

// skipIfCannot also ends the test on other errors.
func skipIfCannot(t *testing.T, err error) {
	t.Helper()
	needs.Able(t, err, flood.ErrCannot)
}

// pulse is the time between two bursts of a flood with a rate. The kernel takes some
// milliseconds to begin a burst.
const pulse = 100 * time.Millisecond

// sendFor sends so many packets a second of each cause on each CPU.
func (f *floods) sendFor(d time.Duration, rate uint64) error {
	ticks := time.NewTicker(pulse)
	defer ticks.Stop()
	began, sent := time.Now(), uint64(0)
	for now := began; now.Sub(began) < d; now = <-ticks.C {
		due := uint64(now.Sub(began)/pulse+1) * rate / uint64(time.Second/pulse)
		if err := f.send(due - sent); err != nil {
			return err
		}
		sent = due
	}
	return nil
}

// flatOut sends without pause, on all CPUs, until stop is called.
func (f *floods) flatOut(all ...*causeFlood) (stop func() error) {
	ctx, cancel := context.WithCancel(f.t.Context())
	const n = 10_000
	done := make(chan error, 1)
	go func() {
		for {
			for _, cf := range all {
				// The test's context: what is sent is sent whole.
				err := cf.sender.Send(f.t.Context(), n)
				if isOffline(err) {
					err = nil
				}
				if err != nil || ctx.Err() != nil {
					done <- err
					return
				}
			}
		}
	}()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	f.t.Cleanup(func() { _ = stop() })
	return stop
}

// isOffline says whether an error is that the CPU to send on is offline.
func isOffline(err error) bool {
	return errors.Is(err, unix.EINVAL) && !errors.Is(err, flood.ErrCannot)
}
