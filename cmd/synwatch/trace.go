// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/probe"
	"github.com/synwatch/synwatch/pkg/sink"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/survey"
	"github.com/synwatch/synwatch/pkg/text"
	"github.com/synwatch/synwatch/pkg/watch"
)

// traceOptions is what the flags of trace say.
type traceOptions struct {
	probe    probe.Options
	causes   []*cause.Cause
	protos   protoChoice
	duration time.Duration
	count    uint64
	notices  bool
	format   formatOptions
	samples  bool // the sink shows or keeps them
	rotation rotation
}

// formatOptions is what the flags about the output say.
type formatOptions struct {
	json   bool
	output string
	quiet  bool
	color  string
}

func newTrace(e *env) *cobra.Command {
	var o traceOptions
	cmd := &cobra.Command{
		Use:   "trace",
		Short: "Stream every drop with its cause and source",
		Long: `trace prints every TCP packet that this host refuses or drops as it happens, with
the cause and the source: those to itself (in, which includes its replies to a
client), those that it forwards (forward) and those of its own connections (out).
What connection tracking refuses it prints of every protocol. Ctrl-C, --duration or
--count ends it with a summary: the causes with their top sources, what to do about
them, and the kernel's own counters beside what was traced, as proof that nothing
was left out.

The source of a packet is the client, before any NAT; of a reply to a client, too. The
destination is where the packet was going when it was dropped, after any NAT.

It needs root, or CAP_BPF and CAP_PERFMON; these alone do not let it read the
counters of other network namespaces. The kernel removes its programs when it ends,
however it ends.`,
		Example: `  synwatch trace
  synwatch trace --port 443 --src 10.0.0.0/8
  synwatch trace --cause accept-queue-full,syn-queue-full --duration 30s
  synwatch trace --json --output drops.json --duration 10m
  synwatch trace --json --output drops.json.zst --rotate-size 100M --rotate-keep 20
  synwatch trace --netns web --count 1 --no-coalesce
  synwatch trace --direction forward --proto tcp,udp`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.trace(cmd.Context(), &o, nil) },
	}
	addSelectionFlags(cmd, &o)
	f := cmd.Flags()
	f.Var(valueOf(&o.count, "N", parseCount), "count", "end after this many drop records")
	f.BoolVar(&o.probe.EveryDrop, "no-coalesce", false, "print a record for every drop")
	f.BoolVar(&o.notices, "notices", false, "also print notices: events worth knowing that drop nothing")
	addTableFlag(cmd, &o.probe)
	addFormatFlags(cmd, &o.format)
	addRotationFlags(cmd, &o.rotation)
	addBTFFlag(cmd, &o.probe)
	return cmd
}

func addFormatFlags(cmd *cobra.Command, o *formatOptions) {
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "write JSON, an object a line (schema 1)")
	f.StringVarP(&o.output, "output", "o", "", "write to this `FILE` instead of the standard output; compressed if its name ends in .gz or .zst")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print no records, only the summary")
	f.StringVar(&o.color, "color", "auto", "colour the text, `WHEN` is auto (on a terminal), always or never")
}

func addRotationFlags(cmd *cobra.Command, r *rotation) {
	f := cmd.Flags()
	f.Var(valueOf(&r.size, "SIZE", parseSize), "rotate-size",
		"go on in a new file when FILE has this size, e.g. 100M; the older files are FILE.1, FILE.2, ... (x.1.gz, x.2.gz, ... of x.gz), what was in FILE before the run among them")
	f.Var(valueOf(&r.keep, "N", parseKeep), "rotate-keep", "keep at most this many older files (default: all)")
}

func addTableFlag(cmd *cobra.Command, o *probe.Options) {
	cmd.Flags().Var(valueOf(&o.MaxSources, "N", parseSources), "max-sources",
		"count this many sources separately at a time (default 65536); each takes 272 bytes of kernel memory, and 32 more for each CPU; drops of further sources are counted without their source (unattributed)")
}

func addBTFFlag(cmd *cobra.Command, o *probe.Options) {
	cmd.Flags().StringVar(&o.BTF, "btf", "", "read the kernel's type information (BTF) from this `FILE`, for a kernel that has none built in")
}

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	return nil
}

// trace opens what the options ask for and follows it. The sink may be replaced
// by what wrap makes of it.
func (e *env) trace(ctx context.Context, o *traceOptions, wrap func(watch.Source, stream.Sink) stream.Sink) (err error) {
	o.probe.Filter.Protos = o.protos.list()
	o.samples = o.format.json && !o.format.quiet
	if err := o.rotation.check(o.format.output); err != nil {
		return err
	}
	out, err := e.openOutput(ctx, o.format.output)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	newSink, err := o.format.sinks(out.end, e.environ)
	if err != nil {
		return err
	}
	t, err := e.open(o.probe)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if err := o.rotation.begin(out); err != nil {
		return err
	}
	ctx, cancel := untilHangup(ctx, out.end)
	defer cancel()
	written := &enduring{Sink: o.rotation.sink(out, newSink), end: cancel}
	to := stream.Sink(written)
	if wrap != nil {
		to = wrap(t, to)
	}
	err = e.watch(ctx, t, to, o)
	return errors.Join(err, e.conclude(written, out))
}

// watch runs an open tracer into a sink.
func (e *env) watch(ctx context.Context, t tracer, to stream.Sink, o *traceOptions) (err error) {
	defer useCensus(t)()
	machine, err := e.machine()
	if err != nil {
		return err
	}
	if !o.format.quiet {
		e.announce(machine, t)
	}
	known := e.directory()
	defer func() { err = errors.Join(err, known.Close()) }()
	selected := &o.probe.Filter
	cfg := watch.Config{
		Source: t, Counters: e.counters(), Enricher: known, Addresses: e.addresses(), Table: e.table, Waiting: e.waiting, Survey: e.surveyNetns,
		Sink: to, Now: e.now, Warn: e.say,
		Machine: machine, Version: version(),
		Selection: watch.Selection{
			Causes: o.causes, Directions: selected.Directions, Protos: selected.Protos, AllProtos: o.protos.all, Notices: o.notices,
		},
		EveryDrop: o.probe.EveryDrop,
		Records:   o.count, Duration: o.duration, MaxWait: e.patience, MaxUndirected: e.undirected, MaxUnfound: e.patience, Netns: selected.Netns, MaxSources: o.probe.MaxSources,
		Filtered: len(selected.Src)+len(selected.Dst)+len(selected.Ports)+len(selected.Directions)+len(selected.Protos) > 0,
	}
	if o.samples && e.samples > 0 {
		cfg.Samples, cfg.Gauges = e.samples, e.gauges()
	}
	return watch.Run(ctx, cfg)
}

// useCensus has the tracer say which network namespaces there are, if it can, until end is
// called.
func useCensus(t tracer) (end func()) {
	if asked, can := t.(interface{ Census() netns.Census }); can {
		if c := asked.Census(); c != nil {
			return netns.UseCensus(c)
		}
	}
	return func() {}
}

// announce says what is traced and what cannot be.
func (e *env) announce(m survey.Machine, t tracer) {
	e.say(fmt.Sprintf("tracing dropped packets on %s (%s); Ctrl-C ends it with a summary", m.Name, m.Kernel))
	if blind := cause.NewAttributor(t.Coverage()).Blind(); len(blind) > 0 {
		e.say("this run cannot see all of " + strings.Join(blind, ", ") + " (synwatch hooks says why)")
	}
}

// sinks makes sinks of which all that they write arrives at end.
func (o *formatOptions) sinks(end io.Writer, environ []string) (func(io.Writer) stream.Sink, error) {
	palette, err := text.NewPalette(o.color, end, environ)
	if err != nil {
		return nil, usageError{fmt.Errorf("--color %s: %w", o.color, err)}
	}
	return func(w io.Writer) stream.Sink {
		var to stream.Sink = sink.NewText(w, palette)
		if o.json {
			to = sink.NewJSON(w)
		}
		if o.quiet {
			to = sink.Quiet{Sink: to}
		}
		return to
	}, nil
}
