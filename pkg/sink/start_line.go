// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/ndjson"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/survey"
)

// startLine is the line of type "start".
type startLine struct {
	Type    string            `json:"type"`
	Schema  int               `json:"schema"`
	Time    string            `json:"time"`
	Version string            `json:"version"`
	Host    string            `json:"host"`
	Kernel  string            `json:"kernel"`
	Hooks   []event.HookState `json:"hooks"`
	Blind   []string          `json:"blind"`
	Netns   uint32            `json:"netns"` // of the machine's own namespace
	// Inner says that this is not the machine's first namespace.
	Inner  bool   `json:"netns_inner,omitempty"`
	Memory uint64 `json:"memory,omitempty"` // of the machine, in bytes
	// Part is which part of a divided capture this is, from 0 on.
	Part int `json:"part,omitempty"`
}

func newStartLine(s stream.Start) startLine {
	m := s.Machine
	return startLine{
		"start", ndjson.Schema, ndjson.Time(s.Time), s.Version, m.Name, m.Kernel,
		ndjson.List(s.Hooks), ndjson.List(s.Blind), m.Netns, m.Inner, m.Memory, s.Part,
	}
}

func (l startLine) start(*Decoder) (stream.Start, error) {
	at, err := parseTime(l.Time)
	if err != nil {
		return stream.Start{}, err
	}
	return stream.Start{
		Time: at, Version: clip(l.Version), Hooks: l.Hooks, Blind: l.Blind, Part: l.Part,
		Machine: survey.Machine{Name: clip(l.Host), Kernel: clip(l.Kernel), Netns: l.Netns, Inner: l.Inner, Memory: l.Memory},
	}, nil
}
