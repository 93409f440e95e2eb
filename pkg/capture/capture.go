// SPDX-License-Identifier: Apache-2.0

// Package capture reads what trace wrote as JSON back into a sink, as if the run went on.
package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/synwatch/synwatch/pkg/sink"
	"github.com/synwatch/synwatch/pkg/stream"
)

// ErrSchema is what the error satisfies about a capture of another schema.
var ErrSchema = sink.ErrSchema

// Skip is a line that was left out.
type Skip struct {
	File string // as it was given to ReadFiles
	Line uint64 // from 1 on
	Why  error
}

func (s Skip) String() string {
	if s.File == "" {
		return fmt.Sprintf("line %d: %v", s.Line, s.Why)
	}
	return fmt.Sprintf("%s, line %d: %v", s.File, s.Line, s.Why)
}

// Options are how to read; all may be left out.
type Options struct {
	// Skipped hears of each line that is left out.
	Skipped func(Skip)
	// File is what Skip calls it.
	File string
}

// Stats is what was read.
type Stats struct {
	// Lines are all, of which Skipped were left out as damaged, and Unknown as of a type
	// that only a newer synwatch knows.
	Lines, Skipped, Unknown uint64
}

// Understood is how many lines reached the sink.
func (s *Stats) Understood() uint64 { return s.Lines - s.Skipped - s.Unknown }

func (s *Stats) add(o Stats) {
	s.Lines += o.Lines
	s.Skipped += o.Skipped
	s.Unknown += o.Unknown
}

// Read reads a capture, compressed or not, until its end, in constant memory. A line that is
// damaged is skipped, and compressed data that are damaged end there. What is wrong with the whole of it is an error, which satisfies
// ErrSchema if it is the schema, and so is what the sink returns.
//
// It hands on each line as it comes, so that r may be a pipe, and to may block.
func Read(r io.Reader, to stream.Sink, o Options) (Stats, error) {
	content, err := decompressed(r)
	if err != nil {
		return Stats{}, fmt.Errorf("read capture: %w", err)
	}
	defer content.Close()
	c := reader{lines: newLines(content), decoder: sink.NewDecoder(), to: to, options: o}
	err = c.read()
	return c.stats, err
}

type reader struct {
	lines   *lines
	decoder *sink.Decoder
	to      stream.Sink
	options Options
	stats   Stats
}

func (c *reader) read() error {
	for {
		line, err := c.lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return c.to.Flush()
		case errors.Is(err, errDamaged):
			c.stats.Lines++
			c.skip(err)
			return c.to.Flush()
		case errors.Is(err, errLong):
			c.stats.Lines++
			c.skip(err)
			continue
		case err != nil:
			return fmt.Errorf("read capture after line %d: %w", c.stats.Lines, err)
		}
		c.stats.Lines++
		if err := c.take(line); err != nil {
			return err
		}
	}
}

// take hands a line on.
func (c *reader) take(line []byte) error {
	if c.stats.Lines == 1 {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	if len(bytes.TrimSpace(line)) == 0 {
		c.stats.Unknown++
		return nil
	}
	send, err := c.decoder.Decode(line)
	switch {
	case errors.Is(err, ErrSchema):
		return fmt.Errorf("line %d: %w", c.stats.Lines, err)
	case err != nil:
		c.skip(err)
		return nil
	case send == nil:
		c.stats.Unknown++
		return nil
	}
	return send(c.to)
}

func (c *reader) skip(why error) {
	c.stats.Skipped++
	if c.options.Skipped != nil {
		c.options.Skipped(Skip{c.options.File, c.stats.Lines, why})
	}
}
