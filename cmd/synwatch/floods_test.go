// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/flood"
	"golang.org/x/sys/unix"
)

// floods are drops of several causes in one field, and what the kernel and the
// senders know of them.
type floods struct {
	t     *testing.T
	field *flood.Field
	all   []*oneFlood
}

// oneFlood is of one cause.
type oneFlood struct {
	cause  string
	target *flood.Target
	sender sender
}

// sender is a flood.Swarm, or a single.
type sender interface {
	Send(ctx context.Context, n uint64) error
	Counts() (map[netip.Addr]uint64, error)
	Close()
}

// single sends on the first CPU.
type single struct {
	*flood.Sender
	cpu int
}

func (s single) Send(ctx context.Context, n uint64) error {
	_, err := s.Sender.Send(ctx, s.cpu, n)
	return err
}

func newFloods(t *testing.T) *floods {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	loadModules()
	field, err := flood.NewField(t.Context())
	skipIfCannot(t, err)
	t.Cleanup(func() {
		if err := field.Close(); err != nil {
			t.Error(err)
		}
	})
	return &floods{t: t, field: field}
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
		f.add(name, func(to netip.AddrPort) (sender, error) { return f.field.NewSwarm(to, m) })
	}
}

// add prepares a scenario for a sender.
func (f *floods) add(name string, from func(to netip.AddrPort) (sender, error)) *oneFlood {
	f.t.Helper()
	at := slices.IndexFunc(flood.Scenarios, func(s flood.Scenario) bool { return s.Name == name })
	scenario := flood.Scenarios[at]
	target, err := scenario.Prepare(f.field)
	skipIfCannot(f.t, err)
	s, err := from(target.Addr)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(s.Close)
	one := &oneFlood{cause: scenario.Cause, target: target, sender: s}
	f.all = append(f.all, one)
	return one
}

// send makes the kernel drop n packets of each cause on each CPU.
func (f *floods) send(n uint64) error {
	errs := make([]error, len(f.all))
	var wg sync.WaitGroup
	for i, one := range f.all {
		wg.Go(func() { errs[i] = one.sender.Send(f.t.Context(), n) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (f *floods) mustSend(n uint64) {
	f.t.Helper()
	skipIfCannot(f.t, f.send(n))
}

// only are the flags for a trace of the field.
func (f *floods) only(args ...string) []string { return append(only(f.field.Lab), args...) }

// skipIfCannot also ends the test on other errors.
func skipIfCannot(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, flood.ErrCannot) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// pulse is the time between two sendings of a flood that is not flat out. To
// begin one takes the kernel some milliseconds.
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

// flatOut sends all the time, on all CPUs, until it is told to stop.
func (f *floods) flatOut(all ...*oneFlood) (stop func() error) {
	ctx, cancel := context.WithCancel(f.t.Context())
	const n = 10_000
	done := make(chan error, 1)
	go func() {
		for {
			for _, one := range all {
				// The test's context: what is sent is sent whole.
				err := one.sender.Send(f.t.Context(), n)
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

// isOffline says whether a CPU was not there to send on.
func isOffline(err error) bool {
	return errors.Is(err, unix.EINVAL) && !errors.Is(err, flood.ErrCannot)
}

// verdict is how a trace compares with the floods.
type verdict struct {
	drops      uint64
	sourceless uint64 // told of without a source
	sources    int    // told of, of all causes
	partial    int    // of them, those of which not every drop was told
	missing    int    // sources that were not told of
}

// check demands that all that was told is what was dropped, cause by cause, by
// the kernel's count and by the senders'.
func (f *floods) check(o *told) verdict {
	f.t.Helper()
	var v verdict
	rest := maps.Clone(o.counts)
	for _, one := range f.all {
		f.checkOne(one, rest[one.cause], &v)
		delete(rest, one.cause)
	}
	for cause, counts := range rest {
		f.t.Errorf("told of %s though nobody provoked it: %v", cause, counts)
	}
	if v.drops == 0 {
		f.t.Error("nothing was dropped")
	}
	s := &o.summary
	if s.Lost != 0 || s.Drops != v.drops {
		f.t.Errorf("the summary has %d drops, lost %d; the senders sent %d", s.Drops, s.Lost, v.drops)
	}
	return v
}

// checkOne adds to the verdict. More than a source has sent is an error.
func (f *floods) checkOne(one *oneFlood, got map[netip.Addr]uint64, v *verdict) {
	f.t.Helper()
	want, err := one.sender.Counts()
	if err != nil {
		f.t.Fatal(err)
	}
	kernel, err := one.target.Dropped()
	if err != nil {
		f.t.Fatal(err)
	}
	sent, sum := sumOf(want), sumOf(got)
	if sent != kernel || sum != kernel {
		f.t.Errorf("%s: the kernel dropped %d, the senders sent %d, told are %d", one.cause, kernel, sent, sum)
	}
	v.drops += sent
	nobody := netip.Addr{}
	v.sourceless += got[nobody]
	for src, n := range got {
		if src != nobody && n > want[src] {
			f.t.Errorf("%s from %s: told %d, sent %d", one.cause, src, n, want[src])
		}
	}
	for src, n := range want {
		switch got[src] {
		case n:
			v.sources++
		case 0:
			v.missing++
		default:
			v.sources++
			v.partial++
		}
	}
}

func sumOf(counts map[netip.Addr]uint64) (sum uint64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// checkExact demands that the count of every source is exact, too.
func (f *floods) checkExact(o *told) {
	f.t.Helper()
	v := f.check(o)
	if v.partial != 0 || v.missing != 0 {
		f.t.Errorf("of %d sources, too few drops were told of %d, and none of %d more", v.sources, v.partial, v.missing)
	}
	if v.sourceless != 0 || o.summary.Unattributed != 0 {
		f.t.Errorf("without a source %d, unattributed %d, want none", v.sourceless, o.summary.Unattributed)
	}
	f.t.Logf("%d drops from %d sources in %d lines", v.drops, v.sources, o.lines)
}
