// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/probe"
	"github.com/synwatch/synwatch/pkg/text"
)

// The exit statuses.
const (
	exitFine   = 0
	exitFailed = 1 // at run time
	exitUsage  = 2
	exitCannot = 3 // this machine cannot do it

	// Of check, by the worst that it found.
	exitWarnings = 10
	exitCritical = 11
)

// usageError is wrong usage that is found out only by a command itself.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run runs a command line and returns the exit status.
func run(ctx context.Context, e *env, args []string) int {
	root := newRoot(e)
	understood := false
	root.PersistentPreRun = func(*cobra.Command, []string) { understood = true }
	root.SetArgs(args)
	if len(args) > 0 && args[0] == cobra.ShellCompRequestCmd {
		describePlainly(root)
	}
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	if isTerminal(e.stderr) {
		newline := context.AfterFunc(ctx, func() { fmt.Fprintln(e.stderr) }) // behind the terminal's ^C
		defer newline()
	}
	err := root.ExecuteContext(ctx)
	if err != nil && !understood {
		err = usageError{err}
	}
	status := exitStatus(err)
	if status != exitFine && err.Error() != "" {
		e.say(err.Error())
	}
	return status
}

func exitStatus(err error) int {
	var found foundError
	var ended endedError
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE), errors.Is(err, errUnread):
		return exitFine
	case errors.As(err, &usageError{}):
		return exitUsage
	case errors.Is(err, probe.ErrCannot), errors.Is(err, conntrack.ErrCannot):
		return exitCannot
	case errors.As(err, &found):
		return found.status
	case errors.As(err, &ended):
		return ended.status
	}
	return exitFailed
}

// say writes one line of diagnostics. It is what writes to stderr: errors hold
// the names of files, interfaces and network namespaces.
func (e *env) say(message string) {
	lines := strings.FieldsFunc(message, func(r rune) bool { return r == '\n' })
	e.note("synwatch: " + strings.Join(lines, "; "))
}

// note writes a line to stderr.
func (e *env) note(line string) {
	page := text.NewPage(text.Palette{})
	page.Linef("%s", line)
	_, _ = page.WriteTo(e.stderr) // there is nowhere else to say so
}

func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   "synwatch",
		Short: "Name every refused TCP connection",
		Long: `synwatch shows every TCP connection that this machine refuses or drops, to itself,
through it and out of it, as it happens: the cause, the source, and counts that equal
the kernel's own counters.`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return fmt.Errorf("unknown command %q%s", args[0], didYouMean(cmd.SuggestionsFor(args[0])))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SuggestionsMinimumDistance = 2
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages ", fmt.Sprintf(".FlagUsagesWrapped %d ", text.Width)))
	root.SetHelpCommand(newHelp(root))
	root.AddCommand(newTrace(e), newTop(e), newReport(e), newCheck(e), newConntrack(e), newExplain(e), newHooks(e), newDemo(e), newCompletion(e), newMan(e))
	addCompletion(root)
	return root
}

// newHelp is cobra's help command, but for what it does with a command that there
// is not: cobra prints its name as it is, and exits with 0.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, written string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return completeList(func() []cobra.Completion { return commandNames(root, args) })(cmd, args, written)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usageError{fmt.Errorf("unknown command %q", strings.Join(args, " "))}
			}
			return cmd.Help()
		},
	}
}

// commandNames are those of the commands below the one that is named.
func commandNames(root *cobra.Command, named []string) []cobra.Completion {
	var names []cobra.Completion
	if cmd, rest, err := root.Find(named); err == nil && len(rest) == 0 {
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
			}
		}
	}
	return names
}

func didYouMean(near []string) string {
	if len(near) == 0 {
		return ""
	}
	return ", did you mean " + strings.Join(near, ", ") + "?"
}
