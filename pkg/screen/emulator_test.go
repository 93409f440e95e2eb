// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/vt"
)

var update = flag.Bool("update", false, "write the golden screens anew")

// patience is how long a screen may take on a busy machine.
const patience = 60 * time.Second

// terminal is an emulated one, on which a real program draws.
type terminal struct {
	*vt.SafeEmulator
	t       *testing.T
	program *tea.Program
	keys    *io.PipeWriter
	done    chan error
}

func (term *terminal) Write(b []byte) (int, error) {
	// As the input is no terminal that was made raw, the program expects this of the output.
	_, err := term.SafeEmulator.Write(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")))
	return len(b), err
}

var unicode = []string{"TERM=xterm-256color", "LANG=C.UTF-8"}

// start shows a backend on a terminal of a size.
func start(t *testing.T, b backend, width, height int, environ ...string) *terminal {
	t.Helper()
	time.Local = time.UTC
	if environ == nil {
		environ = unicode
	}
	keys, typed := io.Pipe()
	term := &terminal{SafeEmulator: vt.NewSafeEmulator(width, height), t: t, keys: typed, done: make(chan error, 1)}
	go func() { _, _ = io.Copy(io.Discard, term.SafeEmulator) }() // what it answers to questions
	config := Config{Input: keys, Output: term, Environ: environ, Parse: parse, Width: width, Height: height}
	switch b := b.(type) {
	case *Feed:
		config.Feed = b
	case *Player:
		config.Player = b
	}
	s := newScreen(&config, b)
	term.program = s.program
	go func() { term.done <- s.Run(context.Background()) }()
	t.Cleanup(func() { s.program.Kill(); typed.Close() })
	return term
}

// press types keys.
func (term *terminal) press(keys string) {
	term.t.Helper()
	if _, err := io.WriteString(term.keys, keys); err != nil {
		term.t.Fatal(err)
	}
}

// screen is what is to be read.
func (term *terminal) screen() string {
	var lines []string
	for y := range term.Height() {
		var line strings.Builder
		for x := 0; x < term.Width(); {
			cell := term.CellAt(x, y)
			if cell == nil || cell.Width == 0 {
				x++
				continue
			}
			line.WriteString(cell.Content)
			x += cell.Width
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	return strings.Join(lines, "\n") + "\n"
}

// await waits until the screen shows a text.
func (term *terminal) await(want string) string {
	term.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if s := term.screen(); strings.Contains(s, want) {
			return s
		}
	}
	term.t.Fatalf("the screen does not show %q:\n%s", want, term.screen())
	return ""
}

// golden compares the screen with a file, once it stays the same.
func (term *terminal) golden(name string) {
	term.t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		time.Sleep(time.Second)
		if err := os.WriteFile(path, []byte(term.screen()), 0o644); err != nil {
			term.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		term.t.Fatal(err)
	}
	got := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got = term.screen(); got == string(want) {
			return
		}
	}
	term.t.Errorf("%s: the screen is\n%s\nand should be\n%s", name, got, want)
}
