// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/bench"
	"github.com/synwatch/synwatch/pkg/flood"
	"github.com/synwatch/synwatch/pkg/ndjson"
)

// options is what the flags say.
type options struct {
	scenarios, contenders []string
	sources               []uint
	rounds, cpu           int
	packets, connections  uint64
	idle, warmUp          time.Duration
	warmUpRate            uint64
	synwatch              string
	inTurn, json, profile bool
}

func newCommand() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "measure what tracing dropped packets costs",
		Long: `Flood a throw-away network namespace with packets that it drops, untraced and
under each tracer in turn, and print one table. It needs root and Linux 5.18.`,
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.scenarios, "scenario", []string{"closed-port", "nft-drop", "clean", "forward", "idle"}, "`NAME` of what drops the packets: "+strings.Join(names(bench.Scenarios(), scenarioName), ", "))
	f.UintSliceVar(&o.sources, "sources", []uint{1, 16, 65536}, "`NUMBER` of source addresses, 1 to 1048576")
	f.StringSliceVar(&o.contenders, "contender", nil, "`NAME` of a tracer (default: all that are installed)")
	f.IntVar(&o.rounds, "rounds", 3, "`NUMBER` of rounds, of which the median is printed")
	f.Uint64Var(&o.packets, "packets", 2_000_000, "`NUMBER` of packets in each flood")
	f.Uint64Var(&o.connections, "connections", 50_000, "`NUMBER` of connections of clean traffic")
	f.DurationVar(&o.warmUp, "warm-up", 2*time.Second, "`TIME` of each flood before it is measured")
	f.Uint64Var(&o.warmUpRate, "warm-up-rate", 0, "`NUMBER` of packets a second of the warm-up (default: as many as go)")
	f.DurationVar(&o.idle, "idle", 10*time.Second, "`TIME` without any traffic")
	f.IntVar(&o.cpu, "cpu", min(1, runtime.NumCPU()-1), "`CPU` that receives them")
	f.StringVar(&o.synwatch, "synwatch", "build/synwatch", "`PATH` of synwatch")
	f.BoolVar(&o.inTurn, "in-turn", false, "have each tracer go on through all scenarios, one tracer after the other, on a machine on which nothing else runs")
	f.BoolVar(&o.json, "json", false, "print JSON, an object a line, instead of a table")
	f.BoolVar(&o.profile, "profile", false, "print also what each BPF program of a tracer costs; the rest is then less exact")
	cmd.AddCommand(newInstructions(), newNode())
	return cmd
}

func scenarioName(s bench.Scenario) string   { return s.Name }
func contenderName(c bench.Contender) string { return c.Name }

func names[T any](all []T, name func(T) string) []string {
	var out []string
	for _, one := range all {
		out = append(out, name(one))
	}
	return out
}

// choose returns the contenders with these names, or all if there are no names.
func choose[T any](what string, all []T, name func(T) string, wanted []string) ([]T, error) {
	if len(wanted) == 0 {
		return all, nil
	}
	var out []T
	for _, w := range wanted {
		i := slices.IndexFunc(all, func(one T) bool { return name(one) == w })
		if i < 0 {
			return nil, usageError{fmt.Errorf("no %s %q; there is %s", what, w, strings.Join(names(all, name), ", "))}
		}
		out = append(out, all[i])
	}
	return out, nil
}

// check finds what is out of bounds.
func (o *options) check() error {
	if o.rounds < 1 || o.packets < 1 || o.connections < 1 {
		return usageError{errors.New("--rounds, --packets and --connections must be above 0")}
	}
	if o.connections > flood.MaxConnections {
		return usageError{fmt.Errorf("--connections %d: want at most %d", o.connections, flood.MaxConnections)}
	}
	for _, n := range o.sources {
		if n < 1 || n > flood.MaxSources {
			return usageError{fmt.Errorf("--sources %d: want 1 to %d", n, flood.MaxSources)}
		}
	}
	return nil
}

func (o *options) run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	scenarios, err := choose("scenario", bench.Scenarios(), scenarioName, o.scenarios)
	if err != nil {
		return err
	}
	contenders, err := choose("contender", o.all(), contenderName, o.contenders)
	if err != nil {
		return err
	}
	contenders = slices.DeleteFunc(contenders, isMissing)
	only, err := lock()
	if err != nil {
		return err
	}
	defer only.Close()
	rows, err := o.compare(ctx, o.benches(scenarios), contenders)
	if err != nil {
		return err
	}
	return o.print(rows)
}

func (o *options) compare(ctx context.Context, benches []bench.Bench, contenders []bench.Contender) (rows []bench.Row, err error) {
	if o.inTurn {
		return bench.CompareInTurn(ctx, benches, contenders, o.rounds)
	}
	for _, b := range benches {
		fmt.Fprintf(os.Stderr, "bench: %s, %d sources\n", b.Scenario.Name, b.Size.Sources)
		more, err := b.Compare(ctx, contenders, o.rounds)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// isMissing says so of a contender that is not installed.
func isMissing(c bench.Contender) bool {
	if c.Installed() {
		return false
	}
	fmt.Fprintf(os.Stderr, "bench: %s is left out: %s is not installed\n", c.Name, c.Command)
	return true
}

// benches are the scenarios with each number of sources, where that matters.
func (o *options) benches(scenarios []bench.Scenario) (all []bench.Bench) {
	for _, s := range scenarios {
		for i, n := range o.sources {
			if i > 0 && !s.Floods {
				break
			}
			size := bench.Size{Sources: uint32(n), Packets: o.packets, Connections: o.connections, Idle: o.idle, WarmUp: o.warmUp, WarmUpRate: o.warmUpRate, CPU: o.cpu}
			all = append(all, bench.Bench{Scenario: s, Size: size, Profile: o.profile})
		}
	}
	return all
}

// all are the contenders but for untraced, which always runs.
func (o *options) all() []bench.Contender {
	return slices.Concat(bench.Floors, bench.Bpftrace, []bench.Contender{bench.Synwatch(o.synwatch)})
}

func (o *options) print(rows []bench.Row) error {
	if !o.json {
		return bench.WriteTable(os.Stdout, rows)
	}
	lines := ndjson.NewWriter(os.Stdout)
	for _, r := range rows {
		if err := lines.Write(r); err != nil {
			return err
		}
	}
	return nil
}
