// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/synwatch/synwatch/pkg/vm"
)

func newFetch() *cobra.Command {
	var f fetchFlags
	var refresh bool
	cmd := &cobra.Command{
		Use:   "fetch [KERNEL...]",
		Short: "download kernels into the cache",
		Long: `Download Debian's kernels into the cache: by default those of the matrix. All that it knows:
` + strings.Join(vm.KnownNames(), ", ") + `.
apt downloads and verifies them, with a state directory of its own and without root.
A kernel that is in the cache is not looked for again, except with --refresh.`,
		ValidArgs: vm.KnownNames(),
		Args:      cobra.OnlyValidArgs,
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&refresh, "refresh", false, "look for a newer version of a kernel that is in the cache")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		fetcher, err := f.fetcher()
		if err != nil {
			return err
		}
		fetcher.Refresh = refresh
		if len(args) == 0 {
			args = vm.MatrixNames()
		}
		for _, name := range args {
			k, err := fetcher.Fetch(cmd.Context(), name)
			if err != nil {
				return err
			}
			fmt.Printf("%s\t%s\t%s\n", name, k.Release, strings.TrimSpace(k.Package+" "+k.Note))
		}
		return nil
	}
	return cmd
}
