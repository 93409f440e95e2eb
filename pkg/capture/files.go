// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/synwatch/synwatch/pkg/stream"
)

// Stdin is the name of the standard input among files.
const Stdin = "-"

// Open opens a file to Read, or the standard input for Stdin.
func Open(path string, stdin io.Reader) (io.ReadCloser, error) {
	if path == Stdin {
		return io.NopCloser(stdin), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errors.Join(fmt.Errorf("%s is a directory", path), f.Close())
	}
	return f, nil
}

// ReadFiles reads several files, those that are parts of one capture in their order.
func ReadFiles(paths []string, stdin io.Reader, to stream.Sink, o Options) (Stats, error) {
	var stats Stats
	for _, path := range InOrder(paths) {
		one, err := readFile(path, stdin, to, o)
		stats.add(one)
		if err != nil {
			return stats, err
		}
	}
	return stats, nil
}

func readFile(path string, stdin io.Reader, to stream.Sink, o Options) (Stats, error) {
	f, err := Open(path, stdin)
	if err != nil {
		return Stats{}, err
	}
	defer f.Close()
	o.File = path
	stats, err := Read(f, to, o)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return stats, err
}

// InOrder returns the files in the order of their runs, and of the parts of these. What
// does not tell that, as the standard input, stays behind.
func InOrder(paths []string) []string {
	type begun struct {
		path  string
		start stream.Start
	}
	var files []begun
	for _, path := range paths {
		files = append(files, begun{path, beginning(path)})
	}
	slices.SortStableFunc(files, func(a, b begun) int {
		known := cmp.Compare(btoi(a.start.Time.IsZero()), btoi(b.start.Time.IsZero()))
		return cmp.Or(known, a.start.Time.Compare(b.start.Time), cmp.Compare(a.start.Machine.Name, b.start.Machine.Name),
			cmp.Compare(a.start.Part, b.start.Part))
	})
	ordered := make([]string, 0, len(files))
	for _, f := range files {
		ordered = append(ordered, f.path)
	}
	return ordered
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// beginning is the first line of a regular file, if it is a start.
func beginning(path string) stream.Start {
	var first firstLine
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		_, _ = readFile(path, nil, &first, Options{})
	}
	return first.start
}

// firstLine is a sink that ends the reading with the first line.
type firstLine struct{ start stream.Start }

var errEnough = errors.New("enough")

func (f *firstLine) Start(s stream.Start) error {
	f.start = s
	return errEnough
}
func (*firstLine) Record(stream.Record) error   { return errEnough }
func (*firstLine) Sample(stream.Sample) error   { return errEnough }
func (*firstLine) Summary(stream.Summary) error { return errEnough }
func (*firstLine) Flush() error                 { return nil }
