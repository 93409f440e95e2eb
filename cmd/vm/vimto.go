// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/synwatch/synwatch/pkg/vm"
)

// vimtoMatrix is a matrix whose machines are vimto's.
type vimtoMatrix struct {
	matrix
	vimto *vm.Vimto
}

func newVimto() *cobra.Command {
	var m vimtoMatrix
	cmd := &cobra.Command{
		Use:   "vimto [flags] -- PROGRAM [ARGS...]",
		Short: "run one program on several kernels with vimto and print a table of its reports",
		Long: `Run one program, such as a test binary, on several kernels with vimto
(https://github.com/lmb/vimto), and make the same table of its reports as vm matrix.
A kernel is the tag of an image, of which .vimto.toml has the name, an image with its
tag, or a path with a slash in it. .vimto.toml has the machine's memory and processors,
too. Inside, SYNWATCH_VM=1 is set.

A machine that dies is booted again, at most twice.

Exit status: 1 if a run or a cell failed.`,
		Example: `  CGO_ENABLED=0 go test -c -o build/probe.test ./pkg/probe
  vm vimto --kernels 6.6,stable -- build/probe.test -test.v`,
	}
	fl := cmd.Flags()
	fl.SetInterspersed(false)
	m.fetchFlags.add(cmd)
	m.addOutputTo(cmd)
	fl.StringSliceVar(&m.kernels, "kernels", nil, "`KERNELS` to run on")
	fl.StringVar(&m.accel, "accel", "auto", "`auto`, kvm or tcg")
	fl.StringArrayVar(&m.env, "env", nil, "set `NAME=VALUE` inside, or pass NAME on")
	fl.DurationVar(&m.timeout, "timeout", 40*time.Minute, "end a run after this `TIME`")
	cmd.MarkFlagRequired("kernels")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return m.run(cmd.Context(), args) }
	return cmd
}

func (m *vimtoMatrix) run(ctx context.Context, args []string) error {
	if len(args) == 0 || len(m.kernels) == 0 {
		return errors.New("give a program to run, and kernels")
	}
	// vimto shows the machine the program's directory.
	var err error
	if args[0], err = filepath.Abs(args[0]); err != nil {
		return err
	}
	if m.results != "" {
		if err := os.MkdirAll(m.results, 0o755); err != nil {
			return err
		}
	}
	fetcher, err := m.fetcher()
	if err != nil {
		return err
	}
	if m.vimto, err = vm.NewVimto(ctx, fetcher.Cache, m.accel, m.kernels[0], os.Stderr); err != nil {
		return err
	}
	defer m.vimto.Close()
	m.vimto.Env, m.vimto.Timeout = m.environment(), m.timeout
	runs := make([]*matrixRun, len(m.kernels))
	var g errgroup.Group
	g.SetLimit(max(m.parallel, 1))
	for i, kernel := range m.kernels {
		g.Go(func() error {
			runs[i] = m.runOne(ctx, kernel, args)
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	var columns []vm.Column
	for _, r := range runs {
		columns = append(columns, r.column)
	}
	return m.conclude(nil, vm.NewTable(columns), runs)
}

// runOne runs the program on one kernel.
func (m *vimtoMatrix) runOne(ctx context.Context, kernel string, args []string) *matrixRun {
	start := time.Now()
	run := &matrixRun{column: vm.Column{Name: vm.VimtoName(kernel), Accel: m.vimto.Accel}}
	var stdout bytes.Buffer
	out, stderr, show := m.streams()
	defer show()
	fmt.Fprintf(out, "=== kernel %s (%s, vimto)\n", kernel, run.column.Accel)
	status, err := m.vimto.Run(ctx, kernel, args, io.MultiWriter(&stdout, out), stderr, stdout.Reset)
	run.took = time.Since(start)
	run.finish(status, err, stdout.Bytes())
	if len(run.column.Reports) > 0 {
		run.column.Release = run.column.Reports[0].Kernel
	}
	m.keep(run, stdout.Bytes())
	if err != nil {
		fmt.Fprintln(stderr, "vm:", err)
	}
	return run
}
