// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/ndjson"
	"github.com/synwatch/synwatch/pkg/text"
	"github.com/synwatch/synwatch/pkg/view"
)

func newExplain(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain [CAUSE...]",
		Short: "Explain a cause: what happened, what the client sees, what to do",
		Long: `explain prints the catalogue's entry for a cause: what happened, what the client sees
of it, what to do, where in the kernel it happens, which counters move, and which
kernels show it. Without a cause it lists all of them. It traces nothing and needs
no privilege.`,
		Example: "  synwatch explain\n  synwatch explain accept-queue-full\n  synwatch explain --json",
		RunE:    func(_ *cobra.Command, args []string) error { return e.explain(args, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON, an object a line")
	return cmd
}

func (e *env) explain(ids []string, asJSON bool) error {
	causes := cause.All()
	if len(ids) > 0 {
		causes = nil
	}
	for _, id := range ids {
		c, err := parseCause(id)
		if err != nil {
			return usageError{fmt.Errorf("%q: %w", id, err)}
		}
		causes = append(causes, c)
	}
	switch {
	case asJSON:
		return explainJSON(e.stdout, causes)
	case len(ids) == 0:
		return listCauses(e.stdout, causes)
	}
	page := text.NewPage(text.Palette{})
	for i, c := range causes {
		if i > 0 {
			page.Blank()
		}
		view.Explanation(page.Wide(explainWidth), cause.Explain(c))
	}
	_, err := page.WriteTo(e.stdout)
	return err
}

func explainJSON(w io.Writer, causes []*cause.Cause) error {
	lines := ndjson.NewWriter(w)
	for _, c := range causes {
		if err := lines.Write(cause.Explain(c)); err != nil {
			return err
		}
	}
	return nil
}

func listCauses(w io.Writer, causes []*cause.Cause) error {
	page := text.NewPage(text.Palette{})
	var rows [][]text.Part
	for _, c := range causes {
		rows = append(rows, []text.Part{text.Plain.Of(c.ID), text.Plain.Of(meaning(c))})
	}
	page.Table(&text.Table{Columns: make([]text.Column, 2)}, text.Plain, rows)
	_, err := page.WriteTo(w)
	return err
}

// meaning is a cause in a line.
func meaning(c *cause.Cause) string {
	if c.Kind == cause.Notice {
		return "notice: " + c.Meaning
	}
	return c.Meaning
}

// explainWidth is what explain wraps its text to.
const explainWidth = 80
