// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"net/netip"
)

// Contender is a way to trace drops.
type Contender struct {
	Name string
	// Start returns when it has been started, not when it traces.
	Start func(context.Context, Watched) (Tracer, error)
}

// Watched is what a tracer is to tell of.
type Watched struct {
	Cause   string // by synwatch's name
	Sources netip.Prefix
}

// Tracer is a contender at work.
type Tracer interface {
	// Process is the tracer's process, 0 if it has none.
	Process() int
	// Seen says whether it has told of a drop yet.
	Seen() (bool, error)
	// Stop ends it and returns what it told.
	Stop() (Told, error)
}

// Told is what a tracer told of the drops that it watched.
type Told struct {
	Drops  uint64 // of the sources of the flood, if it tells sources
	Cause  bool   // it named the cause
	Source bool   // it named the sources
}

// silent is a tracer that tells nothing: nothing to wait for.
type silent struct{ stop func() error }

func (silent) Process() int          { return 0 }
func (silent) Seen() (bool, error)   { return true, nil }
func (s silent) Stop() (Told, error) { return Told{}, s.stop() }

// Untraced is no tracer at all.
var Untraced = Contender{"untraced", func(context.Context, Watched) (Tracer, error) {
	return silent{func() error { return nil }}, nil
}}
