// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/probe"
	"github.com/synwatch/synwatch/pkg/sink"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/survey"
	"github.com/synwatch/synwatch/pkg/text"
)

func newHooks(e *env) *cobra.Command {
	var o probe.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "hooks",
		Short: "Show what this kernel lets synwatch see, hook by hook",
		Long: `hooks attaches every hook for a moment and prints how (by fentry, kprobe.multi or kprobe, in
that order), or why not, with the capability or the kernel option that each would take.
It then lists the causes that this kernel shows one by one, those that it shows only
as a counter's total, and those that it does not show at all. It traces nothing.`,
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
		return errors.Join(j.Start(stream.Start{
			Time: e.now(), Version: version(), Machine: machine,
			Hooks: coverage.Hooks, Blind: attributor.Blind(),
		}), j.Flush())
	}
	page := text.NewPage(text.Palette{})
	hookTable(page, coverage.Hooks)
	if coverage.Passes() {
		page.Blank()
		page.Linef("Dropped SYNs are seen by tracepoints that every packet passes. They cost about 2 µs a connection.")
		page.Linef("A SYN is counted if it is certain what refused it, and otherwise only as a total.")
	}
	visibility(page, attributor)
	page.Blank()
	page.Linef("No hook on any kernel shows what a NIC drops, for want of room in a ring say, or what an XDP program")
	page.Linef("drops (XDP_DROP): that never becomes a packet of the kernel's. ethtool -S and bpftool net tell of them.")
	page.Blank()
	page.Linef("%s", kernelLine(machine, &coverage))
	_, err = page.WriteTo(e.stdout)
	return err
}

func hookTable(p *text.Page, hooks []event.HookState) {
	var rows [][]text.Part
	for _, h := range hooks {
		var row []text.Part
		for _, cell := range []string{h.Name, cmp.Or(string(h.Mode), "-"), string(h.Status), h.Why} {
			row = append(row, text.Plain.Of(cell))
		}
		rows = append(rows, row)
	}
	p.Table(&text.Table{Columns: []text.Column{{Title: "HOOK"}, {Title: "MODE"}, {Title: "STATUS"}, {Title: "WHY"}}}, text.Plain, rows)
}

// visibility says which causes and stages this kernel shows, and how much of the
// others.
func visibility(p *text.Page, a *cause.Attributor) {
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
	p.Blank()
	p.Linef("Seen one by one, with their sources:")
	putStages(p, seen, nil)
	p.Blank()
	if len(unseen) == 0 {
		p.Linef("Nothing is unseen.")
		return
	}
	p.Linef("Unseen:")
	putStages(p, unseen, totals)
}

func putStages(p *text.Page, stages []cause.Stage, totals map[cause.Stage]string) {
	for _, s := range stages {
		line := text.Indent + cause.JoinStages([]cause.Stage{s})
		switch counter := totals[s]; {
		case counter != "":
			line += ": only as a total, by the counter " + counter
		case totals != nil:
			line += ": such drops are named " + instead(s.Cause)
		}
		p.Linef("%s", line)
	}
}

// instead is the cause that a run names where it cannot see the one it is.
func instead(c *cause.Cause) string {
	if c.General != nil {
		return c.General.ID
	}
	return "other"
}

func kernelLine(m survey.Machine, c *event.Coverage) string {
	reasons := "gives drop reasons"
	if !c.HasReasons {
		reasons = "gives no drop reasons"
	}
	return fmt.Sprintf("The kernel %s of %s %s.", m.Kernel, m.Name, reasons)
}
