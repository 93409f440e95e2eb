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

// After each scene its records are awaited for some time, which is all spent
// where they are out of sight, and then there is time to read them.
const (
	patience  = 2 * time.Second
	readAlong = 500 * time.Millisecond
)

// scene is one provocation of the demonstration.
type scene struct {
	name    string // provoke.Provocation.Name
	heading string
}

// act is a scene with what plays it, or why it cannot be played.
type act struct {
	scene
	provoke.Provocation
	missing error
}

var scenes = []scene{
	{"accept-queue-full/syn", "an application that does not accept its connections: its accept queue is full, SYNs die"},
	{"accept-queue-full/ack", "the queue fills up while clients are in the handshake: their last ACK dies"},
	{"syn-queue-full", "more half-open connections than the listener's queue holds, with SYN cookies off"},
	{"no-listener", "clients of a port where nothing listens"},
	{"netfilter-drop", "a firewall rule that drops silently"},
	{"netfilter-reject", "a firewall rule that rejects"},
}

func newDemo(e *env) *cobra.Command {
	var o traceOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Provoke real drops in throw-away network namespaces and show them being traced",
		Long: `demo makes two network namespaces that vanish with it, provokes real drops from
several source addresses in them, and traces them as trace would. At the end it
compares what it traced with what it provoked. Nothing outside of the two
namespaces is touched or traced. It needs root.`,
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
	acts := prepare()
	o.patience = patience / 2 // nobody is in a hurry, and a busy machine may be slow to find a listener
	o.probe.Filter.Netns = []uint32{lab.Netns()}
	inLab := *e // where the lab is the whole world
	inLab.machine = func() (survey.Machine, error) {
		m, err := e.machine()
		m.Netns = lab.Netns()
		return m, err
	}
	return inLab.rehearse(ctx, o, func(ctx context.Context, w *witness) ([]provoke.Drop, error) {
		return e.perform(ctx, lab, acts, w)
	})
}

// prepare looks what can be played. That has the kernel load the modules that
// it takes, so that no hook comes too late for the first drop.
func prepare() []act {
	var acts []act
	all := provoke.All()
	for _, s := range scenes {
		p := all[slices.IndexFunc(all, func(p provoke.Provocation) bool { return p.Name() == s.name })]
		acts = append(acts, act{s, p, p.Missing()})
	}
	return acts
}

func cannotMakeLab(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: run it as root, it makes network namespaces", probe.ErrCannot)
	}
	return err
}

// rehearse traces while perform provokes drops, and compares the two.
func (e *env) rehearse(ctx context.Context, o *traceOptions, perform func(context.Context, *witness) ([]provoke.Drop, error)) error {
	var provoked []provoke.Drop
	var stage errgroup.Group
	tracing, end := context.WithCancel(ctx)
	defer end()
	var w *witness
	w = newWitness(func() {
		stage.Go(func() (err error) {
			defer end()
			provoked, err = perform(tracing, w)
			return err
		})
	})
	err := e.trace(tracing, o, w.watch)
	end()
	if err := errors.Join(err, stage.Wait()); err != nil || ctx.Err() != nil {
		return err // when interrupted there is nothing to compare
	}
	verdict, err := w.compare(provoked)
	if err != nil {
		return err
	}
	e.say(verdict)
	return nil
}

// perform plays the scenes and returns what they provoked.
func (e *env) perform(ctx context.Context, lab *provoke.Lab, acts []act, w *witness) ([]provoke.Drop, error) {
	var provoked []provoke.Drop
	for _, a := range acts {
		if a.missing != nil {
			fmt.Fprintf(e.stderr, "\n=> not shown: %s (%v)\n", a.heading, a.missing)
			continue
		}
		fmt.Fprintf(e.stderr, "\n=> %s\n", a.heading)
		before := w.count()
		// The listeners stay until the records are out: a closed one has no name.
		lab.Provoked = func(ctx context.Context, want provoke.Expect) { w.await(ctx, before+total(want.Drops)) }
		expect, err := a.Run(ctx, lab, provoke.V4)
		if ctx.Err() != nil {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("provoke %s: %w", a.name, err)
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
