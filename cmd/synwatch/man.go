// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/man"
)

// newMan writes the manual pages. It is for those who build packages, so that the help
// does not list it.
func newMan(e *env) *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write the manual pages of all commands into a directory",
		Hidden: true,
		Long: `man writes a manual page for each command into a directory, which it makes. Their
date is that of SOURCE_DATE_EPOCH, so that the same program gives the same pages.`,
		Example: `  SOURCE_DATE_EPOCH=1700000000 synwatch man build/man`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			date, err := e.sourceDate()
			if err != nil {
				return usageError{err}
			}
			return man.Write(args[0], cmd.Root(), man.Options{Source: "synwatch " + version(), Date: date, Exit: exits})
		},
	}
}

// exits are the exit statuses in words.
var exits = []man.Status{
	{Code: exitFine, Meaning: "Fine"},
	{Code: exitFailed, Meaning: "It failed at run time"},
	{Code: exitUsage, Meaning: "Wrong usage"},
	{Code: exitCannot, Meaning: "This machine cannot do it: no privilege, no BTF, or too old a kernel; the message says which"},
	{Code: exitWarnings, Meaning: "Of check: there is something to change"},
	{Code: exitCritical, Meaning: "Of check: something refuses connections"},
}

// sourceDate is the date that a reproducible build is to put into what it makes, and now
// without one.
func (e *env) sourceDate() (time.Time, error) {
	for _, variable := range e.environ {
		if value, ok := strings.CutPrefix(variable, "SOURCE_DATE_EPOCH="); ok {
			seconds, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH %q: must be a number of seconds", value)
			}
			return time.Unix(seconds, 0), nil
		}
	}
	return e.now(), nil
}
