// SPDX-License-Identifier: Apache-2.0

package view

import (
	"time"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/shell"
	"github.com/synwatch/synwatch/pkg/survey"
)

// ConntrackBy is what the entries of a connection tracking table are shown by,
// as --by has it; empty for all that is of interest.
type ConntrackBy = string

const (
	BySrc    ConntrackBy = "src"
	ByDst    ConntrackBy = "dst"
	ByDport  ConntrackBy = "dport"
	ByState  ConntrackBy = "state"
	ByPrefix ConntrackBy = "prefix"
)

// ConntrackReport is what is to be said of a connection tracking table.
type ConntrackReport struct {
	Time    time.Time
	Took    time.Duration
	Version string
	Machine survey.Machine
	Table   conntrack.NetnsTable
	Dumped  conntrack.Dumped
	Summary conntrack.Summary
	Top     int
	// What the summary was confined to.
	By         ConntrackBy
	States     []string
	Zone       *uint16
	IPv4, IPv6 bool
}

// section is the groups of one kind.
type section struct {
	by     ConntrackBy
	groups []conntrack.Group
	of     int // how many groups there are
}

// sections are those that are to be shown.
func (r *ConntrackReport) sections() []section {
	s := &r.Summary
	addresses := BySrc
	if r.By == ByDst {
		addresses = ByDst
	}
	var shown []section
	for _, section := range []section{
		{ByState, s.States, len(s.States)},
		{ByPrefix, s.Prefixes, len(s.Prefixes)},
		{addresses, s.Addresses, s.NumAddresses},
		{ByDport, s.Ports, s.NumPorts},
	} {
		if r.By == "" || r.By == section.by {
			section.groups = section.groups[:min(len(section.groups), r.Top)]
			shown = append(shown, section)
		}
	}
	return shown
}

const (
	// freeMost is how many commands are given, and freeShare of how much of the
	// table one has to hold a group for that, one in so many.
	freeMost  = 3
	freeShare = 20
	// freeFrom is how full, in percent, the table has to be: to delete entries breaks
	// connections, and helps nobody while there is room.
	freeFrom = 80
)

// deletion is a command that would free entries.
type deletion struct {
	Command shell.Command `json:"command"`
	Entries uint64        `json:"entries"` // at the time of the report
}

// free returns the commands that would free the largest groups of the sections'
// most telling one, none while the table has room.
func (r *ConntrackReport) free() []deletion {
	if c := &r.Table; c.Max == 0 || uint64(c.Count)*100 < uint64(c.Max)*freeFrom {
		return []deletion{}
	}
	by := r.By
	if by == "" {
		by = ByPrefix
	}
	commands := []deletion{}
	for _, s := range r.sections() {
		if s.by != by {
			continue
		}
		for _, g := range s.groups {
			if g.Own*freeShare >= r.Summary.Entries && len(commands) < freeMost {
				commands = append(commands, r.freeGroup(by, &g))
			}
		}
	}
	return commands
}

// freeGroup frees what a group mostly holds.
func (r *ConntrackReport) freeGroup(by ConntrackBy, g *conntrack.Group) deletion {
	d, entries := conntrack.Deletion{IPv4: r.IPv4, IPv6: r.IPv6, Kind: g.Mostly, Zone: r.Zone}, g.MostlyEntries
	switch by {
	case BySrc, ByPrefix:
		d.Src = g.Prefix
	case ByDst:
		d.Dst = g.Prefix
	case ByDport:
		d.Kind, d.Port, entries = conntrack.Kind{Proto: g.Port.Proto}, &g.Port.Port, g.Entries
		if len(r.States) == 1 {
			d.Kind.State = r.States[0]
		}
	}
	return deletion{d.Command().By(r.Table.Enter), entries}
}
