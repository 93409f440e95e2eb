// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/bench"
	"github.com/synwatch/synwatch/pkg/ndjson"
)

// nodeOptions is what the flags of node say.
type nodeOptions struct {
	processes, namespaces int
	idle, busy, every     time.Duration
	synwatch              string
	json                  bool
	out                   io.Writer
}

func newNode() *cobra.Command {
	var o nodeOptions
	cmd := &cobra.Command{
		Use:   "node",
		Short: "measure synwatch beside many processes and network namespaces",
		Long: `Start many processes in many network namespaces that all sleep, and synwatch beside
them: what that uses while nothing happens, and how late its records are while a
connection is refused in a new namespace at each interval. It needs root.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.out = cmd.OutOrStdout()
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.processes, "processes", 3000, "`NUMBER` of processes")
	f.IntVar(&o.namespaces, "namespaces", 200, "`NUMBER` of network namespaces that these are in")
	f.DurationVar(&o.idle, "idle", 20*time.Second, "`TIME` in which nothing happens")
	f.DurationVar(&o.busy, "busy", 20*time.Second, "`TIME` in which there are new namespaces")
	f.DurationVar(&o.every, "every", 500*time.Millisecond, "`TIME` between two new namespaces, 0 for none")
	f.StringVar(&o.synwatch, "synwatch", "build/synwatch", "`PATH` of synwatch")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func (o *nodeOptions) run(ctx context.Context) (err error) {
	if o.processes < 0 || o.namespaces < 0 {
		return usageError{errors.New("--processes and --namespaces must not be below 0")}
	}
	only, err := lock()
	if err != nil {
		return err
	}
	defer only.Close()
	n := &bench.Node{Processes: o.processes, Namespaces: o.namespaces, Lasts: o.idle + o.busy + 10*time.Minute}
	defer func() { err = errors.Join(err, n.Close()) }()
	if err := n.Populate(); err != nil {
		return err
	}
	found, err := n.Watch(ctx, o.synwatch, o.idle, o.busy, o.every)
	if err != nil {
		return err
	}
	if o.json {
		return ndjson.NewWriter(o.out).Write(found)
	}
	_, err = fmt.Fprintln(o.out, found)
	return err
}
