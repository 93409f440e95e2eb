// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/charmbracelet/colorprofile"
	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/filter"
	"github.com/synwatch/synwatch/pkg/screen"
)

// topOptions is what the flags of top say.
type topOptions struct {
	traceOptions
	noSync bool
	speed  float64
}

func newTop(e *env) *cobra.Command {
	o := topOptions{speed: 1}
	cmd := &cobra.Command{
		Use:   "top [FILE...]",
		Short: "Show the drops live on a screen",
		Long: `top shows on a screen what trace prints: the causes with their rates, where the packets
come from and where they were going, the queues there against the limits that bind
them, how full connection tracking is, and what to do. Enter goes into what the cursor
is on, down to the single records with their evidence; ? shows all keys.

It needs what trace needs, and a terminal.

With FILEs it plays what trace --json wrote, as the screen would have shown it: at the
speed that it had or faster, on and back. They may be compressed (gzip, zstd), and parts
of one capture are put in order. FILE - is the standard input, which may still grow. This
needs no privilege.`,
		Example: `  synwatch top
  synwatch top --port 443 --src 10.0.0.0/8
  synwatch top --speed 10 drops.ndjson.gz
  ssh web-1 sudo synwatch trace --json 2>/dev/null | synwatch top -`,
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := checkReplay(cmd, files); err != nil {
				return err
			}
			return e.top(cmd.Context(), &o, files)
		},
	}
	addSelectionFlags(cmd, &o.traceOptions)
	addTableFlag(cmd, &o.probe)
	addBTFFlag(cmd, &o.probe)
	cmd.Flags().StringVar(&o.format.color, "color", "auto", "colour the screen, `WHEN` is auto (unless NO_COLOR is set), always or never")
	cmd.Flags().Var(valueOf(&o.speed, "TIMES", parseSpeed), "speed", "play a capture so many times as fast as it was")
	cmd.Flags().BoolVar(&o.noSync, "no-sync", false, "do not use the terminal's synchronised output, for one that shows it wrongly")
	return cmd
}

// top shows a run, or captures, until the user has seen enough.
func (e *env) top(ctx context.Context, o *topOptions, files []string) error {
	config, err := e.screenConfig(o)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	if err := checkCaptures(files); err != nil {
		return err
	}
	if e.keeps() {
		return e.keep(ctx, e.stdout.(*os.File))
	}
	if len(files) > 0 {
		return e.topReplay(ctx, config, files, o.speed)
	}
	return e.topLive(ctx, config, o)
}

// screenConfig is the terminal's part of the screen, or why there can be none.
func (e *env) screenConfig(o *topOptions) (*screen.Config, error) {
	if !isTerminal(e.stdout) {
		return nil, usageError{errors.New("top draws on a terminal, and the standard output is none: use synwatch trace")}
	}
	if term := e.variable("TERM"); term == "" || term == "dumb" {
		return nil, usageError{fmt.Errorf("top moves the cursor about, which this terminal cannot (TERM is %q): use synwatch trace", term)}
	}
	profile, err := e.screenColors(o.format.color)
	if err != nil {
		return nil, err
	}
	return &screen.Config{
		Output: e.stdout, Environ: e.environ, Profile: profile, NoSync: o.noSync, Parse: parseFilter,
	}, nil
}

// screenColors are those that --color asks for, nil for those that the terminal has.
func (e *env) screenColors(mode string) (*colorprofile.Profile, error) {
	var p colorprofile.Profile
	switch mode {
	case "auto":
		return nil, nil
	case "always":
		p = max(colorprofile.ANSI, colorprofile.Env(e.environ))
	case "never":
		p = colorprofile.ASCII
	default:
		return nil, usageError{fmt.Errorf("--color %s: must be auto, always or never", mode)}
	}
	return &p, nil
}

func (e *env) variable(name string) string {
	for _, pair := range slices.Backward(e.environ) {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}

func parseFilter(words string) (screen.Matcher, error) {
	f, err := filter.Parse(words)
	if err != nil {
		return nil, err
	}
	return f.Match, nil
}

// createCapture makes the file of a capture, which is not there yet.
func createCapture(name string) (screen.Capture, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
}

// topLive shows what is dropped now. The tracer is opened first: why it cannot be is said
// on an ordinary terminal.
func (e *env) topLive(ctx context.Context, config *screen.Config, o *topOptions) (err error) {
	o.probe.Filter.Protos = o.protos.list()
	o.samples = true
	o.notices = true // the screen hides them until they are asked for
	t, err := e.open(o.probe)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	config.Feed = screen.NewFeed(e.now, createCapture)
	return e.show(ctx, config, config.Feed, func(ctx context.Context, on *env) error {
		return on.watch(ctx, t, config.Feed, &o.traceOptions)
	})
}

// show shows the screen while something feeds it, which is told what the screen's
// diagnostics are: lines on it. The end of the one ends the other, in the order that lets
// the terminal be restored first.
func (e *env) show(ctx context.Context, config *screen.Config, feed *screen.Feed, run func(context.Context, *env) error) (err error) {
	s := screen.New(config)
	onScreen := *e
	onScreen.stderr = statusLine{s}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, &onScreen)
		s.Quit()
	}()
	err = s.Run(ctx)
	cancel()
	return errors.Join(err, <-ended, feed.Close())
}

// statusLine shows lines of diagnostics on a screen.
type statusLine struct{ on *screen.Screen }

func (l statusLine) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		l.on.Say(strings.TrimPrefix(strings.TrimSpace(line), "synwatch: "))
	}
	return len(b), nil
}
