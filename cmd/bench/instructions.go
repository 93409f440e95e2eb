// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/bench"
)

// counts compares counted instructions with those of a document.
type counts struct {
	table  string
	accept bool
	out    io.Writer
}

func newInstructions() *cobra.Command {
	var c counts
	cmd := &cobra.Command{
		Use:   "instructions FILE...",
		Short: "compare instructions, counted in a virtual machine, with those of a document",
		Long: `Print a table of each FILE, which is what bench --json wrote in a virtual machine that
counts instructions, and compare it with the document's table of the same kernel. A
kernel of another package, or another version of it, has other code and is not compared.

Exit status: 1 if tracing adds over a tenth more than the document says.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			c.out = cmd.OutOrStdout()
			return c.run(files)
		},
	}
	cmd.Flags().StringVar(&c.table, "table", "docs/bench.md", "`DOCUMENT` with the tables to compare with")
	cmd.Flags().BoolVar(&c.accept, "accept", false, "put the new tables into the document, whatever they say")
	return cmd
}

func (c *counts) run(files []string) error {
	document, err := os.ReadFile(c.table)
	if err != nil {
		return err
	}
	earlier, err := bench.ParseCounted(string(document))
	if err != nil {
		return fmt.Errorf("%s: %w", c.table, err)
	}
	var all []bench.Counted
	grown := false
	for _, file := range files {
		counted, err := readCounted(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, counted)
		fmt.Fprintln(c.out, counted.Markdown())
		grown = c.compare(counted, earlier) || grown
	}
	if c.accept {
		text, err := bench.PutCounted(string(document), all)
		if err != nil {
			return err
		}
		return os.WriteFile(c.table, []byte(text), 0o644)
	}
	if grown {
		return errors.New("tracing costs more than it did; ACCEPT=1 accepts it")
	}
	return nil
}

// compare says what has grown, or why nothing can be said.
func (c *counts) compare(now bench.Counted, all []bench.Counted) (grown bool) {
	at := slices.IndexFunc(all, func(old bench.Counted) bool { return old.Kernel == now.Kernel })
	switch {
	case at < 0:
		fmt.Fprintf(c.out, "nothing to compare with: %s has no kernel %s\n\n", c.table, now.Kernel)
		return false
	case all[at].Package != now.Package:
		fmt.Fprintf(c.out, "nothing to compare with: %s has %s of %s\n\n", c.table, now.Kernel, all[at].Package)
		return false
	}
	worse := now.Grown(all[at])
	for _, line := range worse {
		fmt.Fprintln(c.out, "GROWN:", line)
	}
	return len(worse) > 0
}

// readCounted reads the rows of one kernel.
func readCounted(file string) (c bench.Counted, err error) {
	f, err := os.Open(file)
	if err != nil {
		return c, err
	}
	defer f.Close()
	var rows []bench.Row
	for in := json.NewDecoder(f); ; {
		var r bench.Row
		err := in.Decode(&r)
		if errors.Is(err, io.EOF) {
			return bench.Count(rows)
		}
		if err != nil {
			return c, err
		}
		rows = append(rows, r)
	}
}
