// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/text"
	"github.com/synwatch/synwatch/pkg/view"
)

// values are what an argument may be; nil where a shell cannot know.
type values func() []cobra.Completion

// completions are the values of an argument by the name that the help gives it, so that
// a flag has its completion by being named as others of its kind are.
var completions = map[string]values{
	"CAUSE":    completeCauses,
	"WAY":      words("in", "forward", "out"),
	"PROTOCOL": words("tcp", "udp", "icmp", "icmpv6", "sctp", "all"),
	"NETNS":    completeNetns,
	"WHEN":     words("auto", "always", "never"),
	"WHAT":     words(view.BySrc, view.ByDst, view.ByDport, view.ByState, view.ByPrefix),
	"STATE":    words(conntrack.StateNames()...),
	"FAMILY":   words("ipv4", "ipv6"),
	"CIDR":     nil, "N": nil, "TIME": nil, "SIZE": nil, "TIMES": nil,
}

// paths are the arguments that a shell completes by itself, with what it is to leave out.
var paths = map[string]cobra.ShellCompDirective{
	"FILE": cobra.ShellCompDirectiveDefault,
	"OUT":  cobra.ShellCompDirectiveDefault,
	"DIR":  cobra.ShellCompDirectiveFilterDirs,
}

// captures are the suffixes of captures, and of the older files of one. A shell takes them
// for patterns.
var captures = []cobra.Completion{"ndjson", "json", "jsonl", "gz", "zst", "[0-9]", "[0-9][0-9]"}

func words(all ...string) values { return func() []cobra.Completion { return all } }

func completeCauses() []cobra.Completion {
	var all []cobra.Completion
	for _, c := range cause.All() {
		all = append(all, cobra.CompletionWithDesc(c.ID, meaning(c)))
	}
	return all
}

// completeNetns are the namespaces' names, and the numbers of those that have none.
func completeNetns() []cobra.Completion {
	var all []cobra.Completion
	for _, name := range netns.Names() {
		if text.Printable(name) == name && !strings.ContainsAny(name, " \t") {
			all = append(all, name)
		}
	}
	nameless := netns.Nameless()
	for _, inode := range slices.Sorted(maps.Keys(nameless)) {
		all = append(all, cobra.CompletionWithDesc(inode, text.Printable(nameless[inode])))
	}
	return all
}

// addCompletion lets a shell complete the arguments and flags of a command and of those
// below it, by the names that their help gives them.
func addCompletion(cmd *cobra.Command) {
	if cmd.ValidArgsFunction == nil && len(cmd.ValidArgs) == 0 {
		cmd.ValidArgsFunction = completeArguments(cmd.Use)
	}
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		kind, _ := pflag.UnquoteUsage(flag)
		if values, ok := completions[kind]; ok {
			_ = cmd.RegisterFlagCompletionFunc(flag.Name, completeList(values)) // fails only for a flag that is not there
		} else if directive, ok := paths[kind]; ok {
			_ = cmd.RegisterFlagCompletionFunc(flag.Name, cobra.FixedCompletions(nil, directive))
		}
	})
	for _, sub := range cmd.Commands() {
		addCompletion(sub)
	}
}

// describePlainly takes the quotes from the descriptions of flags, by which a help finds the
// names of their arguments: a shell shows them as they are.
func describePlainly(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { _, flag.Usage = pflag.UnquoteUsage(flag) })
	for _, sub := range cmd.Commands() {
		describePlainly(sub)
	}
}

// argument finds the name of the arguments in a line of usage.
var argument = regexp.MustCompile(`\b[A-Z]+\b`)

func completeArguments(use string) cobra.CompletionFunc {
	kind := argument.FindString(use)
	if values := completions[kind]; values != nil {
		return completeList(values)
	}
	if kind == "FILE" {
		return cobra.FixedCompletions(captures, cobra.ShellCompDirectiveFilterFileExt)
	}
	if directive, ok := paths[kind]; ok {
		return cobra.FixedCompletions(nil, directive)
	}
	return cobra.NoFileCompletions
}

// completeList completes the last of several values with commas.
func completeList(values values) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, written string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if values == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		last := strings.LastIndex(written, ",") + 1
		used := append(strings.Split(written[:last], ","), args...)
		var found []cobra.Completion
		for _, value := range values() {
			name, _, _ := strings.Cut(value, "\t")
			if strings.HasPrefix(name, written[last:]) && !slices.Contains(used, name) {
				found = append(found, written[:last]+value)
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}
