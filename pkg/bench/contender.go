// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"net/netip"
	"os/exec"
	"time"
)

// Contender is a way to trace drops.
type Contender struct {
	Name string
	// Command is what has to be installed, if anything.
	Command string
	// Optional says that a machine may be unable to run it.
	Optional bool
	// Start returns when the tracer has been started; it may not trace yet.
	Start func(context.Context, Watched) (Tracer, error)
}

// Watched are the drops that a tracer should report.
type Watched struct {
	Cause   string // by synwatch's name, "" where nothing is dropped
	Sources netip.Prefix
	Netns   uint32 // inode number
}

// Tracer is a contender at work.
type Tracer interface {
	// Process is the tracer's process, 0 if it has none.
	Process() int
	// Shows says whether it has reported a drop of a source so far, or any drop if
	// it names no sources.
	Shows(netip.Addr) (bool, error)
	// Stop ends it and returns what it reported.
	Stop() (Report, error)
}

// Report is what a tracer reported of the drops that it watched.
type Report struct {
	Drops  uint64 // of the watched sources, or all if it names no sources
	Cause  bool   // it named the cause
	Source bool   // it named the sources
	// Sourceless is drops that it reported without a source, though it names sources.
	Sourceless uint64
	// Attached is from its start until it said that it traces, if it does.
	Attached time.Duration
}

// silent is a tracer without output: Shows need not wait for any.
type silent struct{ stop func() error }

func (silent) Process() int                   { return 0 }
func (silent) Shows(netip.Addr) (bool, error) { return true, nil }
func (s silent) Stop() (Report, error)        { return Report{}, s.stop() }

// Untraced is no tracer at all.
var Untraced = Contender{Name: "untraced", Start: func(context.Context, Watched) (Tracer, error) {
	return silent{func() error { return nil }}, nil
}}

// Installed says whether the contender's command is there.
func (c Contender) Installed() bool {
	if c.Command == "" {
		return true
	}
	_, err := exec.LookPath(c.Command)
	return err == nil
}
