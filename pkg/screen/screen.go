// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"context"
	"errors"
	"io"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
)

// Config says what is shown, and where.
type Config struct {
	// Input and Output are the terminal. Without an Input it is the controlling one, also
	// where the standard input is something else.
	Input   io.Reader
	Output  io.Writer
	Environ []string
	// Profile is the colours to use, nil for those that the terminal has.
	Profile *colorprofile.Profile
	// NoSync keeps the screen from asking for synchronised output.
	NoSync bool
	// Feed is the run, or Player the capture.
	Feed   *Feed
	Player *Player
	// Parse reads a filter.
	Parse func(string) (Matcher, error)
	// Width and Height are the size where Output is no terminal that tells it.
	Width, Height int
}

// Screen is a program that shows a run.
type Screen struct{ program *tea.Program }

// framesPerSecond bounds how long a key waits for its effect to be seen.
const framesPerSecond = 20

// New returns a screen that is not shown yet.
func New(c *Config) *Screen {
	if c.Player != nil {
		return newScreen(c, c.Player)
	}
	return newScreen(c, c.Feed)
}

func newScreen(c *Config, b backend) *Screen {
	m := newModel(pen{ascii: !HasUnicode(c.Environ)}, b, c.Parse, c.Player != nil)
	options := []tea.ProgramOption{
		tea.WithOutput(c.Output), tea.WithEnvironment(c.environ()), tea.WithFPS(framesPerSecond),
		tea.WithoutSignalHandler(), tea.WithWindowSize(c.Width, c.Height),
	}
	if c.Input != nil {
		options = append(options, tea.WithInput(c.Input))
	}
	if c.Profile != nil {
		options = append(options, tea.WithColorProfile(*c.Profile))
	}
	if c.NoSync {
		options = append(options, tea.WithFilter(withoutSync))
	}
	return &Screen{tea.NewProgram(m, options...)}
}

// environ is the environment for bubbletea, which asks the terminal for synchronised
// output unless it runs over SSH. The Linux console prints a part of that question.
func (c *Config) environ() []string {
	if !c.NoSync && lookup(c.Environ, "TERM") != "linux" {
		return c.Environ
	}
	return append(c.Environ[:len(c.Environ):len(c.Environ)], "SSH_TTY=unknown")
}

// withoutSync keeps from the program that the terminal has synchronised output.
func withoutSync(_ tea.Model, msg tea.Msg) tea.Msg {
	if report, ok := msg.(tea.ModeReportMsg); ok && report.Mode == ansi.ModeSynchronizedOutput {
		return nil
	}
	return msg
}

// Run shows the screen until the user quits or the context ends, and leaves the terminal
// as it was.
func (s *Screen) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, s.program.Quit)
	defer stop()
	_, err := s.program.Run()
	if errors.Is(err, tea.ErrInterrupted) {
		return nil
	}
	return err
}

// Quit ends Run.
func (s *Screen) Quit() { s.program.Quit() }

// Say shows a message in the last line.
func (s *Screen) Say(text string) { s.program.Send(message(text)) }

// Ended tells that the run is over, which stays on the screen.
func (s *Screen) Ended() { s.program.Send(runEnded{}) }
