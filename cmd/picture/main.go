// SPDX-License-Identifier: Apache-2.0

// Picture makes pictures of what a program shows: make pictures. It runs it in an emulated
// terminal, types keys, and writes what is on its screen as an SVG; or it opens a page that
// the program wrote in a browser.
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/vt"
	"github.com/spf13/cobra"
)

func main() {
	cmd := newPicture()
	if err := cmd.Execute(); err != nil {
		os.Exit(1)
	}
}

func newPicture() *cobra.Command {
	cmd := &cobra.Command{Use: "picture", Short: "make pictures of what a program shows", SilenceUsage: true}
	cmd.AddCommand(newTerminal(), newPage())
	return cmd
}

func newTerminal() *cobra.Command {
	var size, keys, until, output, title string
	cmd := &cobra.Command{
		Use:   "terminal --output FILE [flags] -- COMMAND [ARGS...]",
		Short: "write what a program shows on a terminal as an SVG",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			width, height, err := parseSize(size)
			if err != nil {
				return err
			}
			var drawn string
			draw := func(screen *vt.SafeEmulator) { drawn = svg(screen, width, height, title) }
			if err := run(cmd.Context(), width, height, args, until, strings.Fields(keys), draw); err != nil {
				return err
			}
			return os.WriteFile(output, []byte(drawn), 0o644)
		},
	}
	f := cmd.Flags()
	f.StringVar(&size, "size", "80x24", "of the terminal, in `COLUMNSxLINES`")
	f.StringVar(&until, "until", "", "wait for this `TEXT` before typing")
	f.StringVar(&keys, "keys", "", "type these `KEYS`, with blanks between them")
	f.StringVar(&title, "title", "", "what is to be seen, in `WORDS`, for who cannot see it")
	f.StringVarP(&output, "output", "o", "", "write to this `FILE`")
	if err := errors.Join(cmd.MarkFlagRequired("output"), cmd.MarkFlagRequired("title")); err != nil {
		panic(err)
	}
	return cmd
}

func parseSize(s string) (width, height int, err error) {
	columns, lines, _ := strings.Cut(s, "x")
	width, err = strconv.Atoi(columns)
	if err == nil {
		height, err = strconv.Atoi(lines)
	}
	if err != nil || width < 1 || height < 1 {
		return 0, 0, fmt.Errorf("--size %s: must be as 80x24", s)
	}
	return width, height, nil
}
