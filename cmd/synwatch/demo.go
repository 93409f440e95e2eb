// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/probe"
	"github.com/synwatch/synwatch/pkg/provoke"
	"github.com/synwatch/synwatch/pkg/survey"
	"golang.org/x/sync/errgroup"
)

// After each step its records are awaited for some time, which is all spent where
// this kernel does not show them, and then there is time to read them.
const (
	patience  = 2 * time.Second
	readAlong = 500 * time.Millisecond
)

// step is one provocation of the demonstration.
type step struct {
	name    string // provoke.Provocation.Name
	heading string
}

// prepared is a step with what provokes it, or why that cannot be done here.
type prepared struct {
	step
	provoke.Provocation
	missing error
}

var steps = []step{
	{"accept-queue-full/syn", "an application that does not accept its connections: its accept queue is full, the kernel drops SYNs"},
	{"accept-queue-full/ack", "the accept queue fills up while clients are in the handshake: the kernel drops their last ACK"},
	{"syn-queue-full", "more half-open connections than the listener's queue holds, with SYN cookies off"},
	{"no-listener", "clients of a port where nothing listens"},
	{"netfilter-drop", "a firewall rule that drops silently"},
	{"netfilter-reject", "a firewall rule that rejects"},
	{"netfilter-drop/published", "clients of a port that a container publishes: this host forwards, and a rule drops what is for the container"},
}

func newDemo(e *env) *cobra.Command {
	var o traceOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Provoke real drops in throw-away network namespaces and show them being traced",
		Long: `demo makes two network namespaces, provokes real drops from several source
addresses in them, and traces them as trace would. At the end it compares what it
traced with what it provoked, and removes the namespaces. It neither changes nor
traces anything outside of them. It needs root.`,
		Example: "  synwatch demo\n  synwatch demo --json",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return e.demo(cmd.Context(), &o) },
	}
	addFormatFlags(cmd, &o.format)
	addBTFFlag(cmd, &o.probe)
	return cmd
}

func (e *env) demo(ctx context.Context, o *traceOptions) (err error) {
	lab, err := provoke.NewLab(ctx)
	if err != nil {
		return cannotMakeLab(err)
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	all := prepare()
	o.probe.Filter.Netns = []uint32{lab.Netns()}
	inLab := *e                   // with the lab's namespace for the machine's own
	inLab.patience = patience / 2 // a busy machine may be slow to find a listener
	inLab.machine = func() (survey.Machine, error) {
		m, err := e.machine()
		m.Netns = lab.Netns()
		return m, err
	}
	return inLab.traceProvoked(ctx, o, func(ctx context.Context, r *recorder) ([]provoke.Drop, error) {
		return e.provokeAll(ctx, lab, all, r)
	})
}

// prepare finds out which steps are possible. The kernel loads the modules that
// they need for that, so that the hooks in these attach before the first drop.
func prepare() []prepared {
	var found []prepared
	all := provoke.All()
	for _, s := range steps {
		p := all[slices.IndexFunc(all, func(p provoke.Provocation) bool { return p.Name() == s.name })]
		found = append(found, prepared{s, p, p.Missing()})
	}
	return found
}

func cannotMakeLab(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: run it as root, it makes network namespaces", probe.ErrCannot)
	}
	return err
}

// traceProvoked traces while provoked provokes drops, and compares the two.
func (e *env) traceProvoked(ctx context.Context, o *traceOptions, provoked func(context.Context, *recorder) ([]provoke.Drop, error)) error {
	var drops []provoke.Drop
	var provoking errgroup.Group
	tracing, end := context.WithCancel(ctx)
	defer end()
	var r *recorder
	r = newRecorder(func() {
		provoking.Go(func() (err error) {
			defer end()
			drops, err = provoked(tracing, r)
			return err
		})
	})
	err := e.trace(tracing, o, r.between)
	end()
	if err := errors.Join(err, provoking.Wait()); err != nil || ctx.Err() != nil {
		return err // when interrupted there is nothing to compare
	}
	conclusion, err := r.compare(drops)
	if err != nil {
		return err
	}
	e.say(conclusion)
	return nil
}

// provokeAll goes through the steps and returns the drops that they provoked.
func (e *env) provokeAll(ctx context.Context, lab *provoke.Lab, all []prepared, r *recorder) ([]provoke.Drop, error) {
	var provoked []provoke.Drop
	for _, s := range all {
		e.note("")
		if s.missing != nil {
			e.note(fmt.Sprintf("=> not shown: %s (%v)", s.heading, s.missing))
			continue
		}
		e.note("=> " + s.heading)
		before := r.count()
		// The listeners stay open until the records are written: the process of a closed
		// socket cannot be found.
		lab.Provoked = func(ctx context.Context, want provoke.Expect) { r.await(ctx, before+total(want.Drops)) }
		expect, err := s.Run(ctx, lab, provoke.V4)
		if ctx.Err() != nil {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("provoke %s: %w", s.name, err)
		}
		provoked = append(provoked, expect.Drops...)
		pause(ctx, readAlong)
	}
	return provoked, nil
}

func total(drops []provoke.Drop) uint64 {
	var n uint64
	for _, d := range drops {
		if !d.Notice {
			n += d.Count
		}
	}
	return n
}
