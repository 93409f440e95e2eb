// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// newCompletion is cobra's completion command, but for shells of other systems, and for
// what it does with a shell that it does not know: cobra prints the help and exits with 0.
func newCompletion(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print the script by which a shell completes synwatch's commands",
		Long: `completion prints the script by which a shell completes the commands, the flags and
their values: causes, directions, protocols, network namespaces, captures. A shell
reads it when it starts, from where it keeps those of other commands. That of bash
needs the package bash-completion.`,
		Example: `  source <(synwatch completion bash)
  synwatch completion bash > /usr/share/bash-completion/completions/synwatch
  synwatch completion zsh > "${fpath[1]}/_synwatch"
  synwatch completion fish > ~/.config/fish/completions/synwatch.fish`,
		ValidArgs: []string{"bash", "zsh", "fish"},
		Args:      oneShell,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch root := cmd.Root(); args[0] {
			case "bash":
				return root.GenBashCompletionV2(e.stdout, true)
			case "zsh":
				return root.GenZshCompletion(e.stdout)
			default:
				return root.GenFishCompletion(e.stdout, true)
			}
		},
	}
}

func oneShell(cmd *cobra.Command, args []string) error {
	if err := cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)(cmd, args); err != nil {
		return fmt.Errorf("one shell must be named: bash, zsh or fish")
	}
	return nil
}
