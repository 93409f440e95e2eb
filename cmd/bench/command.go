// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/bench"
	"github.com/synwatch/synwatch/pkg/flood"
)

// options is what the flags say.
type options struct {
	scenarios, contenders []string
	sources               []uint
	rounds, cpu           int
	packets               uint64
	synwatch              string
	json                  bool
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
	f.StringSliceVar(&o.scenarios, "scenario", []string{"closed-port", "nft-drop"}, "`NAME` of what drops the packets: "+strings.Join(names(flood.Scenarios, scenarioName), ", "))
	f.UintSliceVar(&o.sources, "sources", []uint{16, 65536}, "`NUMBER` of source addresses, 1 to 1048576")
	f.StringSliceVar(&o.contenders, "contender", nil, "`NAME` of a tracer (default: all that are installed)")
	f.IntVar(&o.rounds, "rounds", 3, "`NUMBER` of rounds, of which the median is printed")
	f.Uint64Var(&o.packets, "packets", 2_000_000, "`NUMBER` of packets in each flood")
	f.IntVar(&o.cpu, "cpu", 1, "`CPU` that receives them")
	f.StringVar(&o.synwatch, "synwatch", "build/synwatch", "`PATH` of synwatch")
	f.BoolVar(&o.json, "json", false, "print JSON, an object a line, instead of a table")
	return cmd
}

func scenarioName(s flood.Scenario) string   { return s.Name }
func contenderName(c bench.Contender) string { return c.Name }

func names[T any](all []T, name func(T) string) []string {
	var out []string
	for _, one := range all {
		out = append(out, name(one))
	}
	return out
}

// choose returns those of all that are named; all where none is.
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

func (o *options) run(ctx context.Context) error {
	scenarios, err := choose("scenario", flood.Scenarios, scenarioName, o.scenarios)
	if err != nil {
		return err
	}
	contenders, err := choose("contender", o.all(), contenderName, o.contenders)
	if err != nil {
		return err
	}
	var rows []bench.Row
	for _, s := range scenarios {
		for _, n := range o.sources {
			more, err := o.compare(ctx, s, uint32(n), contenders)
			if err != nil {
				return err
			}
			rows = append(rows, more...)
		}
	}
	return o.print(rows)
}

// all are the contenders that are installed, but for untraced, which always runs.
func (o *options) all() []bench.Contender {
	return append(slices.Clone(bench.Floors), bench.Synwatch(o.synwatch))
}

func (o *options) compare(ctx context.Context, s flood.Scenario, sources uint32, contenders []bench.Contender) (rows []bench.Row, err error) {
	field, err := flood.NewField(ctx)
	if err != nil {
		return nil, err
	}
	defer field.Close()
	target, err := s.Prepare(field)
	if err != nil {
		return nil, err
	}
	defer target.Close()
	load := &bench.Load{Field: field, Target: target, Cause: s.Cause, Sources: sources, Packets: o.packets, CPU: o.cpu}
	rows, err = bench.Compare(ctx, load, contenders, o.rounds)
	for i := range rows {
		rows[i].Scenario, rows[i].Sources = s.Name, sources
	}
	return rows, err
}

func (o *options) print(rows []bench.Row) error {
	if !o.json {
		return bench.WriteTable(os.Stdout, rows)
	}
	enc := json.NewEncoder(os.Stdout)
	for _, r := range rows {
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	return nil
}
