// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/cause"
)

func newExplain(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain [CAUSE...]",
		Short: "Explain a cause: what happened, what the client sees, what to do",
		Long: `explain prints what the catalogue knows of a cause: what happened, what the
client sees of it, where in the kernel it happens, which counters move, which
kernels show it, and what to do. Without a cause it lists all of them. Nothing
is traced, and no privilege is needed.`,
		Example:           "  synwatch explain\n  synwatch explain accept-queue-full\n  synwatch explain --json",
		ValidArgsFunction: cobra.FixedCompletions(causeIDs(), cobra.ShellCompDirectiveNoFileComp),
		RunE:              func(_ *cobra.Command, args []string) error { return e.explain(args, asJSON) },
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
	for i, c := range causes {
		between := ""
		if i > 0 {
			between = "\n"
		}
		if _, err := fmt.Fprint(e.stdout, between, explainText(cause.Explain(c))); err != nil {
			return err
		}
	}
	return nil
}

func explainJSON(w io.Writer, causes []*cause.Cause) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for _, c := range causes {
		if err := out.Encode(cause.Explain(c)); err != nil {
			return err
		}
	}
	return nil
}

func listCauses(w io.Writer, causes []*cause.Cause) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range causes {
		fmt.Fprintf(t, "%s\t%s\n", c.ID, meaning(c))
	}
	return t.Flush()
}

// meaning is a cause in a line.
func meaning(c *cause.Cause) string {
	if c.Kind == cause.Notice {
		return "notice: " + c.Meaning
	}
	return c.Meaning
}

// section is a part of an explanation under its heading.
type section struct{ heading, text string }

// sections are an explanation's parts, in the order in which they are read.
func sections(x cause.Explanation) []section {
	return []section{
		{"What happened", sentence(x.Meaning)},
		{"What the client sees", sentence(x.Client)},
		{"What to do", sentence(x.Fix)},
		{"Where in the kernel", x.Path + "."}, // often begins with a function's name
		{"Counters", namesOr(x.Counters, "None of its own.")},
		{"Drop reasons", namesOr(x.Reasons, "None of its own.")},
		{"Kernels that show it", sentence(x.Kernels)},
	}
}

func namesOr(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	return strings.Join(names, ", ")
}

// sentence gives a text of the catalogue its capital and its full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// explainText is an explanation for a terminal.
func explainText(x cause.Explanation) string {
	var b strings.Builder
	title := x.Cause + " (" + x.Kind
	if len(x.Stages) > 0 {
		title += "; stages: " + strings.Join(x.Stages, ", ")
	}
	fmt.Fprintln(&b, title+")")
	for _, s := range sections(x) {
		fmt.Fprintf(&b, "\n%s\n", s.heading)
		for _, line := range wrap(s.text, 76) {
			fmt.Fprintf(&b, "    %s\n", line)
		}
	}
	return b.String()
}

// wrap breaks a text between words into lines of at most so many bytes.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
