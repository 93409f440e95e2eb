// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/capture"
	"github.com/synwatch/synwatch/pkg/report"
)

// reportOptions is what the flags of report say.
type reportOptions struct {
	html     string
	markdown bool
	output   string
	color    string
}

func newReport(e *env) *cobra.Command {
	var o reportOptions
	cmd := &cobra.Command{
		Use:   "report FILE...",
		Short: "Make a report of captures: text, Markdown or one HTML file",
		Long: `report reads what trace wrote with --json, compressed with gzip or zstd or not, and
says what there was: what to do, the causes over time, the sources and the ranges that
cover them, listeners and targets with the limit that binds, and the proof that nothing
was left out. It traces nothing and needs no privilege.

Several captures, of the machines of a fleet say, become one report that names the
host of each row. The parts of a capture that trace divided by --rotate-size are read
as one; give all of them.

With --html the report is one file with charts that needs no network and no JavaScript,
to be attached to a ticket or mailed. It has at most 400 kB, whatever was captured.

A FILE that is - is the standard input, which may be a pipe that still grows: what is
written to a file is then replaced now and then by a report of what has come so far.
Ctrl-C ends the program that writes into the pipe, and the report with its last line.

A line that cannot be read is named and left out. A capture of another schema than 1
is refused.`,
		Example: `  synwatch report drops.json
  synwatch report drops.json.zst --html report.html
  synwatch report --markdown drops.json | wl-copy
  synwatch report --html fleet.html web1.json web2.json.gz web3.json.zst
  ssh web1 synwatch trace --json --duration 10m | synwatch report - --html report.html`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, files []string) error { return e.report(cmd.Context(), files, &o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.html, "html", "", "write an HTML report to this file, `OUT`; nothing else is then written unless --markdown or --output asks for it")
	f.BoolVar(&o.markdown, "markdown", false, "write Markdown, for a ticket or a chat")
	f.StringVarP(&o.output, "output", "o", "", "write the text, or the Markdown, to this `FILE` instead of the standard output")
	f.StringVar(&o.color, "color", "auto", "colour the text, `WHEN` is auto (on a terminal), always or never")
	return cmd
}

func someFiles(_ *cobra.Command, files []string) error {
	if len(files) == 0 {
		return errors.New("report needs a capture: name the files that trace --json wrote, or - for the standard input")
	}
	return nil
}

// report reads captures and writes what there is to say of them.
func (e *env) report(ctx context.Context, files []string, o *reportOptions) error {
	documents, err := e.documents(ctx, o)
	if err != nil {
		return err
	}
	if err := readable(files, documents); err != nil {
		return usageError{err}
	}
	runs, twice := capture.Runs(files)
	if len(twice) > 0 {
		e.say("given twice and read once: " + strings.Join(twice, ", "))
	}
	r := reporter{env: e, documents: documents}
	if err := r.readAll(ctx, runs); err != nil {
		return err
	}
	if err := r.write(r.captures, func(*document) bool { return true }); err != nil {
		return err
	}
	for _, d := range documents {
		if d.path != "" {
			e.say("wrote " + d.path)
		}
	}
	return nil
}

// reporter makes a report of captures.
type reporter struct {
	*env
	documents []document
	captures  []report.Capture // that were read to their end
	// complained says that it was said why the documents cannot be replaced.
	complained bool
}

// write makes a report and writes those documents that are wanted, of all that it can.
func (r *reporter) write(captures []report.Capture, wanted func(*document) bool) (err error) {
	made := report.New(r.now(), version(), captures)
	for i := range r.documents {
		if d := &r.documents[i]; wanted(d) {
			err = errors.Join(err, d.write(made))
		}
	}
	return err
}

// readable says why a file cannot be read, or may not as it is what is to be written.
func readable(files []string, documents []document) error {
	for i, path := range files {
		if path == capture.Stdin {
			if slices.Contains(files[:i], path) {
				return errors.New("the standard input can be read once")
			}
			continue
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return err
		case info.IsDir():
			return fmt.Errorf("%s is a directory", path)
		}
		for _, d := range documents {
			if there, err := os.Stat(d.path); err == nil && info.Mode().IsRegular() && os.SameFile(info, there) {
				return fmt.Errorf("%s is to be read, and not to be written", path)
			}
		}
	}
	return nil
}
