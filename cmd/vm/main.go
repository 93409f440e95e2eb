// SPDX-License-Identifier: Apache-2.0

// Command vm runs programs, go test's binaries above all, inside virtual machines of
// chosen Linux kernels. See docs/vm.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/synwatch/synwatch/pkg/vm"
)

func main() {
	if vm.IsGuest() {
		vm.GuestMain()
		return
	}
	if vm.IsEmulator() {
		fmt.Fprintln(os.Stderr, "vm:", vm.EmulatorMain())
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

// exitStatus is an error that is only a status: everything was said already.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// run returns the process's exit status.
func run(ctx context.Context, args []string) int {
	cmd := newCommand()
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(ctx)
	var status exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "vm: interrupted")
		return 130
	}
	fmt.Fprintln(os.Stderr, "vm:", err)
	switch {
	case errors.Is(err, vm.ErrTimeout):
		return vm.StatusTimeout
	case errors.Is(err, exec.ErrNotFound):
		return 127
	}
	return 125
}

func newCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "vm",
		Short:         "run a program inside a virtual machine of a chosen Linux kernel",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cmd.AddCommand(newRun(), newFetch(), newMatrix(), newVimto())
	return cmd
}
