// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/synwatch/synwatch/pkg/vm"
)

func newRun() *cobra.Command {
	var (
		f               machineFlags
		kernel, modules string
		shell           string
		stdin           bool
	)
	cmd := &cobra.Command{
		Use:   "run --kernel KERNEL [flags] -- COMMAND [ARGS...]",
		Short: "boot a kernel and run one command in it",
		Long: `Boot a kernel and run one command in it, as root, with the command's stdout, stderr
and exit status. The command and the files given with --add must be statically
linked. The working directory is copied into the machine if it is small, otherwise
its testdata; nothing comes back but the output.

KERNEL is 5.10, 6.1, 6.12, 6.12-full, 6.12-rt, 6.12-arm64, 6.18 (the best of 6.16 to
6.18), 7.x (the newest 7.*) or the path of a bzImage. %ARCH% in the command and in
--add stands for the kernel's architecture, amd64 or arm64. A machine that dies is
booted again, at most twice; a command that fails is not repeated.

Exit status: the command's own; 124 after --timeout, 125 if the machine could not be
run, 126 or 127 if the command could not be started, 130 after an interrupt.`,
		Example: `  vm run --kernel 6.12 --add build/synwatch --shell 'synwatch demo'
  go test -exec 'go run github.com/synwatch/synwatch/cmd/vm run --kernel 6.1 --' ./pkg/...`,
	}
	f.addTo(cmd)
	cmd.Flags().StringVar(&kernel, "kernel", "", "`KERNEL` to boot: a matrix name or a path")
	cmd.Flags().StringVar(&modules, "modules", "", "`DIR` of the modules of a kernel given by path (default: looked for next to it)")
	cmd.Flags().StringVar(&shell, "shell", "", "run `COMMAND` with the machine's shell")
	cmd.Flags().BoolVarP(&stdin, "stdin", "i", false, "pass stdin to the command")
	cmd.MarkFlagRequired("kernel")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if shell != "" {
			if len(args) > 0 {
				return errors.New("give either --shell or a command")
			}
			args = []string{shell}
		}
		k, err := f.kernel(cmd.Context(), kernel, modules)
		if err != nil {
			return err
		}
		cfg, err := f.forKernel(k, args)
		if err != nil {
			return err
		}
		cfg.Shell = shell != ""
		if stdin {
			cfg.Stdin = os.Stdin
		}
		res, err := vm.Run(cmd.Context(), cfg)
		if err == nil && res.Status != 0 {
			err = exitStatus(res.Status)
		}
		return err
	}
	return cmd
}
