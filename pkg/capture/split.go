// SPDX-License-Identifier: Apache-2.0

package capture

import "github.com/synwatch/synwatch/pkg/stream"

// Split returns a sink that gives each run to a sink of its own, as several may be in a
// file, one after the other. The first sink gets what there is before any start; next makes
// the others, and may return the one before to have no more of them.
func Split(first stream.Sink, next func() stream.Sink) stream.Sink {
	return &split{Sink: first, next: next}
}

type split struct {
	stream.Sink // of the run that is read
	next        func() stream.Sink
	start       stream.Start
	begun       bool
}

// Start begins a run unless it is the beginning of another file of the same one.
func (s *split) Start(start stream.Start) error {
	if s.begun && !sameRun(&s.start, &start) {
		if err := s.Flush(); err != nil {
			return err
		}
		s.Sink = s.next()
	}
	s.start, s.begun = start, true
	return s.Sink.Start(start)
}

// sameRun says whether two starts are of one run.
func sameRun(a, b *stream.Start) bool {
	return a.Time.Equal(b.Time) && a.Machine.Name == b.Machine.Name
}
