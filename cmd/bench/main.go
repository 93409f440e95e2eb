// SPDX-License-Identifier: Apache-2.0

// Command bench measures what tracing dropped packets costs: see docs/bench.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/flood"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

// usageError is wrong usage.
type usageError struct{ error }

// run returns the process's exit status.
func run(ctx context.Context, args []string) int {
	cmd := newCommand()
	cmd.SetArgs(args)
	understood := false
	cmd.PersistentPreRun = func(*cobra.Command, []string) { understood = true }
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if !understood {
		err = usageError{err}
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	switch {
	case errors.As(err, &usageError{}):
		return 2
	case errors.Is(err, flood.ErrCannot):
		return 3
	}
	return 1
}
