// SPDX-License-Identifier: Apache-2.0

// Package report makes what people attach to a ticket or a post-mortem of captures: of
// one machine or of a fleet, as text, as Markdown and as one HTML file. It is made of
// snapshots, not of records, and its size is bounded whatever was captured.
//
// A capture may come from anywhere. All its strings are made printable and cut to a
// length here, when a Report is made; its writers escape them for what they write.
package report

import (
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/state"
)

// Capture is one capture that was read.
type Capture struct {
	// File is its name, capture.Stdin for the standard input.
	File     string
	Snapshot *state.Snapshot
	// Skipped are its lines that could not be read.
	Skipped Skipped
	// Growing says that there was more to come when the snapshot was made.
	Growing bool
}

// maxSkipped is how many of the skipped lines are named by number.
const maxSkipped = 20

// Skipped are lines that could not be read.
type Skipped struct {
	Count uint64
	// Lines are the numbers of the first of them, with their file if there are several.
	Lines []string
}

// Add adds a line, given by its number and, if there are several files, by its file.
func (s *Skipped) Add(line string) {
	s.Count++
	if len(s.Lines) < maxSkipped {
		s.Lines = append(s.Lines, line)
	}
}

// Report is what there is to say of some captures.
type Report struct {
	// Made is when, by which Version.
	Made    time.Time
	Version string
	// Captures are the captures, Hosts the machines they are of.
	Captures []CaptureRow
	Hosts    []string
	// Begin and End are the time that the captures cover together.
	Begin, End time.Time

	Drops, Notices             uint64
	Lost, Unattributed, Missed uint64
	Merged, Unshown            uint64
	// Causes are those with the most first, drops before notices.
	Causes  []Cause
	Sources []Source
	Ranges  []Range
	Places  []Place
	Queues  []Queue
	Tables  []Table

	Reconcile []Row
	Unseen    []Unseen
	Findings  []Finding
	Blind     []Blind
	Timeline  Timeline
	// Cut is what is left out for the size of the report.
	Cut Cut
}

// CaptureRow is what is said of a capture itself.
type CaptureRow struct {
	File, Host, Kernel, Version string
	Begin, End                  time.Time
	Drops                       uint64
	Skipped                     Skipped
	// Growing says that it still grew, Ended that it has a summary.
	Growing, Ended bool
}

// Cut is how many rows of each kind are not in the report.
type Cut struct {
	Sources, Ranges, Places, Queues, Tables, Reconcile, Findings, Captures int
	// equal is how many of Reconcile's are equal.
	equal int
}

// Fleet says whether there is more than one host, so that rows name theirs.
func (r *Report) Fleet() bool { return len(r.Hosts) > 1 }

// Growing says whether a capture still grew.
func (r *Report) Growing() bool {
	for _, c := range r.Captures {
		if c.Growing {
			return true
		}
	}
	return false
}

// dropCauses are those that are no notices.
func (r *Report) dropCauses() []Cause {
	var drops []Cause
	for _, c := range r.Causes {
		if c.Kind == cause.Drop {
			drops = append(drops, c)
		}
	}
	return drops
}
