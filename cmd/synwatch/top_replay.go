// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/synwatch/synwatch/pkg/capture"
	"github.com/synwatch/synwatch/pkg/screen"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/text"
)

// maxSpool is how much of what comes through a pipe is kept for going back, in bytes.
const maxSpool = 256 << 20

// ofScreen are the flags of top that a capture that is played has a use for.
var ofScreen = []string{"speed", "color", "no-sync"}

// checkReplay refuses flags about what is traced together with captures, and the speed
// without any.
func checkReplay(cmd *cobra.Command, files []string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch {
		case len(files) > 0 && !slices.Contains(ofScreen, f.Name):
			err = usageError{fmt.Errorf("--%s says what is traced; of a capture / shows a part, with the same words", f.Name)}
		case len(files) == 0 && f.Name == "speed":
			err = usageError{errors.New("--speed is of a capture that is played: name its file")}
		}
	})
	return err
}

func parseSpeed(s string) (float64, error) {
	speed, err := strconv.ParseFloat(s, 64)
	if err != nil || !(speed >= screen.Slowest && speed <= screen.Fastest) {
		return 0, fmt.Errorf("%q: must be a number from %g to %g", s, screen.Slowest, float64(screen.Fastest))
	}
	return speed, nil
}

// topReplay plays captures.
func (e *env) topReplay(ctx context.Context, config *screen.Config, files []string, speed float64) error {
	r := replay{files: files}
	config.Player = screen.NewPlayer(e.now, createCapture, r.read)
	config.Player.SetSpeed(speed)
	if slices.Contains(files, capture.Stdin) {
		spool, err := capture.NewSpool(e.stdin, maxSpool)
		if err != nil {
			return err
		}
		r.spool = spool
		config.Player.Kept = r.kept
	}
	return e.show(ctx, config, config.Player.Feed, func(ctx context.Context, on *env) error {
		r.say = on.say
		return config.Player.Play(ctx)
	})
}

// replay reads captures, more than once.
type replay struct {
	files []string
	spool *capture.Spool // of the standard input, if that is one of them
	say   func(string)
	said  bool
}

func (r *replay) kept() error {
	if err := r.spool.Kept(); err != nil {
		return fmt.Errorf("cannot go back: %w", err)
	}
	return nil
}

func (r *replay) read(ctx context.Context, to stream.Sink) error {
	var stdin io.Reader
	if r.spool != nil {
		stdin = r.spool.Reader(ctx)
	}
	var first *capture.Skip
	stats, err := capture.ReadFiles(r.files, stdin, to, capture.Options{Skipped: func(s capture.Skip) {
		if first == nil {
			first = &s
		}
	}})
	switch {
	case err != nil:
		return err
	case stats.Understood() == 0:
		return fmt.Errorf("%s: no line of it is one of a capture", strings.Join(r.files, ", "))
	case stats.Skipped > 0 && !r.said:
		r.said = true
		r.say(fmt.Sprintf("left out %s, first %v", text.Count(stats.Skipped, "damaged line"), first))
	}
	return nil
}

// checkCaptures looks into the files before anything is shown, so that what is wrong with
// one is said on an ordinary terminal.
func checkCaptures(files []string) error {
	for _, name := range files {
		if name == capture.Stdin {
			continue
		}
		if err := checkCapture(name); err != nil {
			return err
		}
	}
	return nil
}

func checkCapture(name string) error {
	f, err := capture.Open(name, nil)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s cannot be read twice, as going back does: pipe it into synwatch top -", name)
	}
	var any anyLine
	_, err = capture.Read(f, &any, capture.Options{})
	switch {
	case errors.Is(err, errAnyLine):
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	}
	return fmt.Errorf("%s: no line of it is one of a capture", name)
}

// anyLine is a sink that ends the reading with the first line that is understood.
type anyLine struct{}

var errAnyLine = errors.New("a line")

func (anyLine) Start(stream.Start) error     { return errAnyLine }
func (anyLine) Record(stream.Record) error   { return errAnyLine }
func (anyLine) Sample(stream.Sample) error   { return errAnyLine }
func (anyLine) Summary(stream.Summary) error { return errAnyLine }
func (anyLine) Flush() error                 { return nil }
