// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/survey"
	"github.com/synwatch/synwatch/pkg/text"
	"github.com/synwatch/synwatch/pkg/view"
)

// checkOptions is what the flags of check say.
type checkOptions struct {
	json   bool
	color  string
	since  time.Duration
	root   string
	dropin string
	netns  []uint32
}

func newCheck(e *env) *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say what is wrong with limits, queues and sysctls, and what to change",
		Long: `check traces nothing. It reads the kernel's counters, the sysctls and their files,
the listeners with their queues, and connection tracking, in every network
namespace that it may enter. It prints what is wrong, the worst first: the
evidence, what it means for clients, and the exact change. Commands are quoted, so
that they can be pasted whatever an interface, a file or a namespace is called.

Counters count from boot, so past drops show as well; --since reads the counters
twice and reports only what moved in between. check needs no root; without root it
reads only its own network namespace and cannot name other users' processes.

With --root it reads the same files from a saved tree: a sosreport, a supportconfig, or
the root of a container or of a disk, with the namespaces that are in it. DIR may be the
directory above, if there is one tree in it. What is not in the tree stays unknown, and
is listed.

Exit status: 0 nothing is wrong (there may be notes), 10 warnings, 11 something
critical; 1 failed, or nothing was found and the kernel's counters could not be read;
2 wrong usage.`,
		Example: `  synwatch check
  synwatch check --since 10s
  synwatch check --json | jq 'select(.severity == "critical")'
  synwatch check --root /tmp/sosreport-web1
  synwatch check --write-dropin /etc/sysctl.d/zz-synwatch.conf`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.check(cmd.Context(), &o) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "write JSON, an object a line (schema 1)")
	f.Var(valueOf(&o.since, "TIME", parseDuration), "since", "read the counters twice, this time apart, and report only what moved, e.g. 10s")
	f.StringVar(&o.root, "root", "", "read from a saved tree below this `DIR`")
	f.StringVar(&o.dropin, "write-dropin", "", "write the sysctls that are to survive a boot to this `FILE`; never over a file that check did not write")
	f.Var(listOf(&o.netns, "NETNS", netns.Resolve), "netns", "read only these network namespaces, given by ip-netns name, path, process ID or inode number (repeatable)")
	f.StringVar(&o.color, "color", "auto", "colour the text, `WHEN` is auto (on a terminal), always or never")
	return cmd
}

// foundError is the exit status of a check that found something. There is
// nothing more to say about it.
type foundError struct{ status int }

func (foundError) Error() string { return "" }

func (e *env) check(ctx context.Context, o *checkOptions) error {
	palette, err := text.NewPalette(o.color, e.stdout, e.environ)
	if err != nil {
		return usageError{fmt.Errorf("--color %s: %w", o.color, err)}
	}
	if err := mayWrite(o.dropin); err != nil {
		return usageError{fmt.Errorf("--write-dropin: %w", err)}
	}
	now, before, err := e.look(ctx, o)
	if err != nil {
		return err
	}
	c := view.Check{
		Time: e.now(), Version: version(), Snapshot: now,
		Findings: diagnose.Check(diagnose.FactsOf(now, before)),
	}
	if before != nil {
		c.Window = now.Time.Sub(before.Time)
	}
	c.Settings = diagnose.Settings(c.Findings)
	if o.json {
		err = c.JSON(e.stdout)
	} else {
		err = c.Text(e.stdout, palette)
	}
	if err == nil && o.dropin != "" {
		err = e.writeDropin(o.dropin, &c)
	}
	if err != nil {
		return err
	}
	return exitBy(&c, len(slices.Compact(slices.Sorted(slices.Values(o.netns)))))
}

// look reads the machine, or the saved tree, and what was before if that was
// asked for. An interrupt shortens the time in between.
func (e *env) look(ctx context.Context, o *checkOptions) (now, before *survey.Snapshot, err error) {
	if o.root != "" && (o.since > 0 || o.netns != nil) {
		return nil, nil, usageError{errors.New("--root goes with neither --since nor --netns: a saved tree is read as it is")}
	}
	if o.root != "" {
		now, err = lookAtSaved(o.root)
		return now, nil, err
	}
	if o.since > 0 {
		if before, err = e.survey(o.netns); err != nil {
			return nil, nil, err
		}
		pause(ctx, o.since)
	}
	now, err = e.survey(o.netns)
	return now, before, err
}

func lookAtSaved(dir string) (*survey.Snapshot, error) {
	s, err := survey.OpenSaved(dir)
	if err != nil {
		err = usageError{fmt.Errorf("--root: %w; give the top directory of a sosreport, of a supportconfig or of a container's files", err)}
	}
	return s, err
}

// exitBy is the exit status, by the worst finding. Without any it is only good if
// the counters were read that tell of drops: of all namespaces that were asked for,
// if some were.
func exitBy(c *view.Check, asked int) error {
	status := exitFine
	for _, x := range c.Findings {
		switch x.Severity {
		case diagnose.Warning:
			status = max(status, exitWarnings)
		case diagnose.Critical:
			status = exitCritical
		}
	}
	switch {
	case status != exitFine:
		return foundError{status}
	case !c.Snapshot.Counted() && c.Snapshot.System.Saved:
		return errors.New("the kernel's counters are not in the saved tree, so that drops would not show: add what nstat -zas prints as sos_commands/networking/nstat_-zas, or copies of proc/net/netstat and proc/net/snmp")
	case !c.Snapshot.Counted() || asked > len(c.Snapshot.Spaces):
		return errors.New("the kernel's counters were not read in every network namespace that was to be read, so that drops would not show: run it as root")
	}
	return nil
}
