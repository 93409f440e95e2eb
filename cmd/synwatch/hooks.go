// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/probe"
	"github.com/synwatch/synwatch/pkg/sink"
	"github.com/synwatch/synwatch/pkg/survey"
	"github.com/synwatch/synwatch/pkg/watch"
)

func newHooks(e *env) *cobra.Command {
	var o probe.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "hooks",
		Short: "Show what this kernel lets synwatch see, hook by hook",
		Long: `hooks attaches every hook for a moment and prints how, or why it cannot be
attached, and which causes can be seen one by one on this kernel, which only as
a counter's total, and which not at all. Nothing is traced.`,
		Example: "  synwatch hooks\n  synwatch hooks --json",
		Args:    noArgs,
		RunE:    func(*cobra.Command, []string) error { return e.hooks(o, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write a JSON object, with the fields of the start record")
	addBTFFlag(cmd, &o)
	return cmd
}

func (e *env) hooks(o probe.Options, asJSON bool) (err error) {
	machine, err := e.machine()
	if err != nil {
		return err
	}
	t, err := e.open(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	coverage := t.Coverage()
	attributor := cause.NewAttributor(coverage)
	if asJSON {
		j := sink.NewJSON(e.stdout)
		return errors.Join(j.Start(watch.Start{
			Time: e.now(), Version: version(), Machine: machine,
			Hooks: coverage.Hooks, Blind: attributor.Blind(),
		}), j.Flush())
	}
	_, err = fmt.Fprint(e.stdout, hookTable(coverage.Hooks), sight(attributor), machineLine(machine, &coverage))
	return err
}

func hookTable(hooks []event.HookState) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "HOOK\tMODE\tSTATUS\tWHY")
	for _, h := range hooks {
		mode := string(h.Mode)
		if mode == "" {
			mode = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", h.Name, mode, h.Status, h.Why)
	}
	w.Flush() // to a Builder, which does not fail
	var lines strings.Builder
	for line := range strings.Lines(b.String()) {
		lines.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return lines.String()
}

// sight says which causes and stages are seen, and how much of the others.
func sight(a *cause.Attributor) string {
	totals := map[cause.Stage]string{}
	for _, u := range a.Unseen() {
		for _, s := range u.Stages {
			totals[s] = u.Counter
		}
	}
	var seen, unseen []cause.Stage
	for _, s := range a.Stages() {
		if s.Seen {
			seen = append(seen, s)
		} else {
			unseen = append(unseen, s)
		}
	}
	var b strings.Builder
	b.WriteString("\nSeen one by one, with their sources:\n")
	writeStages(&b, seen, nil)
	if len(unseen) == 0 {
		b.WriteString("\nNothing is out of sight.\n")
		return b.String()
	}
	b.WriteString("\nOut of sight:\n")
	writeStages(&b, unseen, totals)
	return b.String()
}

func writeStages(b *strings.Builder, stages []cause.Stage, totals map[cause.Stage]string) {
	for _, s := range stages {
		fmt.Fprintf(b, "    %s", watch.JoinStages([]cause.Stage{s}))
		switch counter := totals[s]; {
		case counter != "":
			fmt.Fprintf(b, ": only as a total, by the counter %s", counter)
		case totals != nil:
			fmt.Fprintf(b, ": such drops are named %s", instead(s.Cause))
		}
		b.WriteByte('\n')
	}
}

// instead is the cause that a run names where it cannot see the one it is.
func instead(c *cause.Cause) string {
	if c.General != nil {
		return c.General.ID
	}
	return "other"
}

func machineLine(m survey.Machine, c *event.Coverage) string {
	reasons := "gives drop reasons"
	if !c.HasReasons {
		reasons = "gives no drop reasons"
	}
	return fmt.Sprintf("\nThe kernel %s of %s %s.\n", m.Kernel, m.Name, reasons)
}
