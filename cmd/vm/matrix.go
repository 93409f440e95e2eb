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
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/synwatch/synwatch/pkg/vm"
)

// matrix runs one program on several kernels.
type matrix struct {
	machineFlags
	kernels, include []string
	parallel         int
	results, table   string
	against          string
	accept           bool

	print sync.Mutex // held while a run's buffered output is printed
}

// matrixRun is one run of the matrix.
type matrixRun struct {
	column  vm.Column
	took    time.Duration
	failure string
	// failures are what its tests say of it.
	failures []string
}

func newMatrix() *cobra.Command {
	var m matrix
	cmd := &cobra.Command{
		Use:   "matrix [flags] -- PROGRAM [ARGS...]",
		Short: "run one program on several kernels and print a table of its reports",
		Long: `Run one program, such as a test binary, on several kernels. Lines of its stdout that
start with "matrix: " and go on with a JSON object
  {"kernel":"6.1.0-44-amd64","cause":"...","stage":"...","family":"4","status":"exact","why":""}
become cells of the table at the end. A status is exact, unseen, skip or fail. Without
a PROGRAM the table is made of the logs given with --include alone.

%ARCH% in PROGRAM, in its arguments and in --add stands for each kernel's
architecture, amd64 or arm64, so that each kernel gets a program of its own.

With --against, each cell that is exact in that table of an earlier run and is not now
is named, and fails the matrix; --table is then written only if nothing failed, so that
it can be the same file.

Exit status: 1 if a run or a cell failed.`,
		Example: `  CGO_ENABLED=0 go test -c -o build/probe.test ./pkg/probe
  CGO_ENABLED=0 GOARCH=arm64 go test -c -o build/probe.test-arm64 ./pkg/probe
  vm matrix --kernels 6.12,7.x --table build/matrix.md -- build/probe.test -test.v
  vm matrix --kernels 6.12,6.12-arm64 -- build/probe.test-%ARCH% -test.v`,
	}
	m.addTo(cmd)
	m.addOutputTo(cmd)
	fl := cmd.Flags()
	fl.StringSliceVar(&m.kernels, "kernels", nil,
		"`KERNELS` to run on: matrix names or paths (default: all, without "+archWord+" all of this machine's architecture)")
	fl.StringArrayVar(&m.include, "include", nil, "add the log `FILE` of a run made elsewhere as a column")
	fl.StringVar(&m.against, "against", "", "fail for each cell that is exact in the table of `FILE`, and is not now")
	fl.BoolVar(&m.accept, "accept", false, "write the table though it has lost exact cells")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return m.run(cmd.Context(), args) }
	return cmd
}

// addOutputTo adds the flags that say how to run and what becomes of the results.
func (m *matrix) addOutputTo(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.IntVar(&m.parallel, "parallel", 1, "`NUMBER` of machines at a time")
	fl.StringVar(&m.results, "results", "", "write each run's stdout to `DIR`/KERNEL.log")
	fl.StringVar(&m.table, "table", "", "write the table to `FILE` as a document in Markdown, too")
}

func (m *matrix) run(ctx context.Context, args []string) error {
	earlier, err := m.earlier()
	if err != nil {
		return err
	}
	included, err := m.included()
	if err != nil {
		return err
	}
	var runs []*matrixRun
	switch {
	case len(args) > 0:
		if m.kernels == nil {
			m.kernels = kernelsFor(args)
		}
		if runs, err = m.runAll(ctx, args); err != nil {
			return err
		}
	case len(m.include) == 0:
		return errors.New("give a program to run, or logs with --include")
	}
	var columns []vm.Column
	for _, r := range runs {
		columns = append(columns, r.column)
	}
	// Kernels are run in the order given, and shown from the oldest on.
	slices.SortStableFunc(columns, func(a, b vm.Column) int {
		return slices.Index(vm.KnownNames(), a.Name) - slices.Index(vm.KnownNames(), b.Name)
	})
	return m.conclude(earlier, vm.NewTable(append(columns, included...)), runs)
}

// kernelsFor lists the kernels on which a command can run at all.
func kernelsFor(args []string) []string {
	if slices.ContainsFunc(args, func(a string) bool { return strings.Contains(a, archWord) }) {
		return vm.MatrixNames()
	}
	return vm.MatrixNamesOf(runtime.GOARCH)
}

// runAll fetches all kernels first, so that a run is not cut in half by a download
// that fails, and then runs the program on each.
func (m *matrix) runAll(ctx context.Context, args []string) ([]*matrixRun, error) {
	if m.results != "" {
		if err := os.MkdirAll(m.results, 0o755); err != nil {
			return nil, err
		}
	}
	configs := make([]vm.Config, len(m.kernels))
	var fetches errgroup.Group
	fetches.SetLimit(runtime.NumCPU())
	for i, name := range m.kernels {
		fetches.Go(func() (err error) {
			configs[i], err = m.prepare(ctx, name, args)
			return err
		})
	}
	if err := fetches.Wait(); err != nil {
		return nil, err
	}
	runs := make([]*matrixRun, len(configs))
	var g errgroup.Group
	g.SetLimit(max(m.parallel, 1))
	for i, cfg := range configs {
		g.Go(func() error {
			runs[i] = m.runOne(ctx, cfg)
			return ctx.Err()
		})
	}
	return runs, g.Wait()
}

// prepare fetches a kernel and describes the run on it.
func (m *matrix) prepare(ctx context.Context, name string, args []string) (vm.Config, error) {
	k, err := m.kernel(ctx, name, "")
	if err != nil {
		return vm.Config{}, err
	}
	if err := vm.CanRun(k); err != nil {
		return vm.Config{}, err
	}
	return m.forKernel(k, args)
}

// runOne runs the program on one kernel. A machine that dies starts over, and so do
// its log and its reports.
func (m *matrix) runOne(ctx context.Context, cfg vm.Config) *matrixRun {
	start := time.Now()
	run := &matrixRun{column: vm.Column{Name: cfg.Kernel.Name, Release: cfg.Kernel.Release}}
	var stdout bytes.Buffer
	out, stderr, show := m.streams()
	defer show()
	if m.parallel > 1 {
		cfg.Log = stderr
	}
	cfg.Stdout, cfg.Stderr = io.MultiWriter(&stdout, out), stderr
	cfg.OnRetry = func(int) { stdout.Reset() }
	banner := sync.OnceFunc(func() {
		fmt.Fprintf(out, "=== kernel %s (%s, %s)\n", cfg.Kernel.Name, run.column.Release, run.column.Accel)
	})
	cfg.OnHello = func(release, accel string, _ time.Duration) {
		run.column.Release, run.column.Accel = release, accel
		banner()
	}
	res, err := vm.Run(ctx, cfg)
	banner()
	run.took = time.Since(start)
	run.finish(res.Status, err, stdout.Bytes())
	m.keep(run, stdout.Bytes())
	if err != nil {
		fmt.Fprintln(stderr, "vm:", err)
	}
	return run
}

// streams are where a run's stdout and stderr go. With several machines at a time both
// are shown at the end of the run, by show.
func (m *matrix) streams() (stdout, stderr io.Writer, show func()) {
	if m.parallel <= 1 {
		return os.Stdout, os.Stderr, func() {}
	}
	var screen bytes.Buffer
	both := &lockedWriter{w: &screen}
	return both, both, func() {
		m.print.Lock()
		defer m.print.Unlock()
		os.Stdout.Write(screen.Bytes())
	}
}

// keep writes a run's stdout to its log.
func (m *matrix) keep(run *matrixRun, stdout []byte) {
	if m.results == "" {
		return
	}
	path := filepath.Join(m.results, run.column.Name+".log")
	if err := os.WriteFile(path, stdout, 0o644); err != nil && run.failure == "" {
		run.failure = err.Error()
	}
}

func (r *matrixRun) finish(status int, err error, stdout []byte) {
	switch {
	case err != nil:
		r.failure, _, _ = strings.Cut(err.Error(), "\n")
	case status != 0:
		r.failure = fmt.Sprintf("exit status %d", status)
	}
	reports, err := vm.ParseReports(bytes.NewReader(stdout))
	if err != nil && r.failure == "" {
		r.failure = err.Error()
	}
	r.column.Reports = reports
	r.failures = vm.Failures(stdout)
}

// included reads the logs of runs made elsewhere.
func (m *matrix) included() ([]vm.Column, error) {
	var columns []vm.Column
	for _, path := range m.include {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		reports, err := vm.ParseReports(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if len(reports) == 0 {
			fmt.Fprintf(os.Stderr, "vm: %s reports nothing: no column for it\n", path)
			continue
		}
		c := vm.Column{Name: reports[0].Kernel, Release: reports[0].Kernel, Reports: reports}
		if name := strings.TrimSuffix(filepath.Base(path), ".log"); vm.IsKnownName(name) {
			c.Name = name
		}
		columns = append(columns, c)
	}
	return columns, nil
}

// lockedWriter lets a run's two streams share a buffer.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
