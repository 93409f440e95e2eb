// SPDX-License-Identifier: Apache-2.0

// Package diagnose turns facts into findings: what is wrong, how that is known,
// what it means for clients and what to change. It is rules as data, and does
// no I/O.
package diagnose

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/shell"
)

// Severity says how much a finding matters.
type Severity uint8

const (
	// Note is worth knowing and refuses nobody.
	Note Severity = iota
	// Warning refuses some clients, or will.
	Warning
	// Critical refuses clients now.
	Critical
)

var severities = [...]string{Note: "note", Warning: "warning", Critical: "critical"}

// String is "note", "warning" or "critical".
func (s Severity) String() string { return severities[s] }

// MarshalText is String, for JSON.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is one thing that a rule found.
type Finding struct {
	ID       string   `json:"id"` // of the rule; never renamed
	Severity Severity `json:"severity"`
	Title    string   `json:"title"`
	// Cause is the ID of the cause that a finding of a trace is about.
	Cause string `json:"cause,omitempty"`
	// Netns is the network namespace's inode number, 0 for the whole machine or a
	// saved one, of whose further namespaces only NetnsName is known.
	Netns     uint32 `json:"netns,omitempty"`
	NetnsName string `json:"netns_name,omitempty"`
	// Evidence is what the finding rests on.
	Evidence []Evidence `json:"evidence"`
	// Means is what clients see of it.
	Means   string   `json:"means"`
	Changes []Change `json:"changes"`

	// otherNetns says that the namespace is not the one that the sysctl files are for.
	otherNetns bool
	// in is where it was found.
	in *Facts
}

// Evidence is one value that was read or counted.
type Evidence struct {
	What  string `json:"what"` // the name of a counter, a sysctl or a queue
	Value string `json:"value"`
	// Where is the file and line, or a remark that puts the value into proportion.
	Where string `json:"where,omitempty"`
}

func value(what string, n uint64) Evidence { return Evidence{What: what, Value: fmt.Sprint(n)} }

// Basis says what a change rests on.
type Basis uint8

const (
	// Measured is what the kernel says now: a value in force, a counter or a queue.
	Measured Basis = iota
	// FromFile is what a file of the machine says.
	FromFile
	// Assumed needs an answer that the facts do not have.
	Assumed
)

var bases = [...]string{Measured: "measured", FromFile: "file", Assumed: "assumed"}

// String is "measured", "file" or "assumed".
func (b Basis) String() string { return bases[b] }

// MarshalText is String, for JSON.
func (b Basis) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// Change is one thing to do: a sysctl to set, or, without one, what Do says.
type Change struct {
	Do     string `json:"do,omitempty"`
	Sysctl string `json:"sysctl,omitempty"`
	Value  string `json:"value,omitempty"`
	Basis  Basis  `json:"basis"`
	// If is the question that has to be answered with yes first, where the change is
	// Assumed. Such a change has no command to paste and is in no drop-in file.
	If string `json:"if,omitempty"`
	// Command does it for now, until the next boot.
	Command shell.Command `json:"command,omitzero"`
	// Why says why, and why this value.
	Why string `json:"why"`
}

func set(sysctl string, v any, why string) Change {
	return Change{Sysctl: sysctl, Value: fmt.Sprint(v), Why: why}
}

func do(what, why string) Change { return Change{Do: what, Why: why} }

// ask makes a change depend on the answer to a question.
func (c Change) ask(question string) Change {
	c.Basis, c.If = Assumed, question
	return c
}

// byFile makes a change rest on a file.
func (c Change) byFile() Change {
	c.Basis = FromFile
	return c
}
