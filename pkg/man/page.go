// SPDX-License-Identifier: Apache-2.0

// Package man makes manual pages of a program's commands. Those that cobra makes do not
// say what a flag takes.
package man

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Section is that of the pages: commands of users.
const Section = "1"

// Options is what the pages have in common.
type Options struct {
	// Source is the program and its version, Date is the day of the page.
	Source string
	Date   time.Time
	// Exit is the exit statuses and what they mean, for the page of the whole.
	Exit []Status
}

// Status is an exit status.
type Status struct {
	Code    int
	Meaning string
}

// Page is the manual page of a command.
func Page(cmd *cobra.Command, o Options) string {
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	var r roff
	date := o.Date.UTC().Format(time.DateOnly) // as it is: mandoc does not read one with escaped hyphens
	r.line(`.TH "` + escape(strings.ToUpper(Name(cmd))) + `" ` + Section + ` ` + date + ` "` + escape(o.Source) + `" "User Commands"`)
	r.macro("SH", "NAME")
	r.line(escape(Name(cmd)) + ` \- ` + escape(cmd.Short))
	r.macro("SH", "SYNOPSIS")
	r.line(synopsis(cmd))
	r.macro("SH", "DESCRIPTION")
	r.paragraphs(orElse(cmd.Long, cmd.Short+"."))
	r.commands(cmd)
	r.options(cmd.NonInheritedFlags())
	r.exit(cmd, o.Exit)
	if cmd.Example != "" {
		r.macro("SH", "EXAMPLES")
		r.verbatim(cmd.Example)
	}
	r.seeAlso(cmd)
	return r.text.String()
}

// Name is that of a command's page.
func Name(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// synopsis is the line of usage with what is to be typed in bold.
func synopsis(cmd *cobra.Command) string {
	words := bold(cmd.CommandPath())
	if cmd.HasAvailableSubCommands() {
		words += " " + italic("COMMAND")
	}
	words += " [" + italic("FLAGS") + "]"
	if _, args, ok := strings.Cut(cmd.Use, " "); ok {
		words += " " + italic(args)
	}
	return words
}

func (r *roff) commands(cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	r.macro("SH", "COMMANDS")
	for _, sub := range subcommands(cmd) {
		r.macro("TP")
		r.line(bold(sub.Name()))
		r.line(escape(sub.Short))
	}
}

func (r *roff) options(flags *pflag.FlagSet) {
	r.macro("SH", "OPTIONS")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		names := bold("--" + f.Name)
		if f.Shorthand != "" {
			names = bold("-"+f.Shorthand) + ", " + names
		}
		if kind != "" {
			names += " " + italic(kind)
		}
		r.macro("TP")
		r.line(names)
		r.line(escape(strings.TrimSuffix(strings.ToUpper(usage[:1])+usage[1:], ".")) + "." + defaults(f))
	})
}

// defaults is what a flag stands for that is not given.
func defaults(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "false", "0", "[]":
		return ""
	}
	return " The default is " + bold(f.DefValue) + "."
}

func (r *roff) exit(cmd *cobra.Command, all []Status) {
	if cmd.HasParent() || all == nil {
		return
	}
	r.macro("SH", "EXIT STATUS")
	for _, s := range all {
		r.macro("TP")
		r.line(bold(fmt.Sprint(s.Code)))
		r.line(escape(s.Meaning) + ".")
	}
}

// seeAlso names the pages of the commands above and below.
func (r *roff) seeAlso(cmd *cobra.Command) {
	var pages []string
	if cmd.HasParent() {
		pages = append(pages, Name(cmd.Parent()))
	}
	for _, sub := range subcommands(cmd) {
		pages = append(pages, Name(sub))
	}
	for i, page := range pages {
		if pages[i] = bold(page) + "(" + Section + ")"; i < len(pages)-1 {
			pages[i] += ","
		}
	}
	if pages != nil {
		r.macro("SH", "SEE ALSO")
		r.line(strings.Join(pages, "\n"))
	}
}

// subcommands are those that have pages.
func subcommands(cmd *cobra.Command) []*cobra.Command {
	return slices.DeleteFunc(slices.Clone(cmd.Commands()), func(c *cobra.Command) bool { return !c.IsAvailableCommand() || c.Name() == "help" })
}
