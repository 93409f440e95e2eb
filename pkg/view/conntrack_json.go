// SPDX-License-Identifier: Apache-2.0

package view

import (
	"bufio"
	"errors"
	"io"
	"maps"
	"net/netip"
	"slices"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/ndjson"
)

// conntrackLine is the first line, of type "conntrack".
type conntrackLine struct {
	Type     string  `json:"type"`
	Schema   int     `json:"schema"`
	Time     string  `json:"time"`
	Duration float64 `json:"duration_s"`
	Version  string  `json:"version"`
	Host     string  `json:"host"`
	Kernel   string  `json:"kernel"`
	Netns    uint32  `json:"netns"`
	Name     string  `json:"netns_name,omitempty"`
	// Count, Max and Buckets are the kernel's own, Max 0 for no limit.
	Count   uint32 `json:"count"`
	Max     uint32 `json:"max"`
	Buckets uint32 `json:"buckets"`
	// Entries are those that were read and counted, Passed those that were read
	// and are of another state or zone, Malformed those that could not be read.
	Entries     uint64      `json:"entries"`
	Passed      uint64      `json:"passed"`
	Malformed   uint64      `json:"malformed"`
	Interrupted bool        `json:"interrupted"`
	IPv4        uint64      `json:"ipv4"`
	IPv6        uint64      `json:"ipv6"`
	Unreplied   uint64      `json:"unreplied"`
	Since       string      `json:"median_is"` // of the groups' median_s: age or idle
	Addresses   int         `json:"addresses"`
	Ports       int         `json:"ports"`
	Folded      bool        `json:"folded"`
	Zones       []zoneTotal `json:"zones"`
	Free        []deletion  `json:"free"`
}

type zoneTotal struct {
	Zone    uint16 `json:"zone"`
	Entries uint64 `json:"entries"`
}

// groupLine is a line of type "group".
type groupLine struct {
	Type      string        `json:"type"`
	By        string        `json:"by"`
	Proto     string        `json:"proto,omitempty"`
	State     string        `json:"state,omitempty"`
	Prefix    *netip.Prefix `json:"prefix,omitempty"`
	Src       *netip.Addr   `json:"src,omitempty"`
	Dst       *netip.Addr   `json:"dst,omitempty"`
	Dport     *uint16       `json:"dport,omitempty"`
	Entries   uint64        `json:"entries"`
	Share     float64       `json:"share"` // of entries, from 0 to 1
	Unreplied uint64        `json:"unreplied"`
	Own       *uint64       `json:"own,omitempty"`
	Addresses int           `json:"addresses,omitempty"`
	Mostly    *mostly       `json:"mostly,omitempty"`
	Median    *float64      `json:"median_s,omitempty"`
	MedianOf  *uint64       `json:"median_of,omitempty"`
	Missing   uint64        `json:"missing,omitempty"`
}

type mostly struct {
	Proto   string `json:"proto"`
	State   string `json:"state,omitempty"`
	Entries uint64 `json:"entries"`
}

// JSON writes an object for the table and one for each group.
func (r *ConntrackReport) JSON(w io.Writer) error {
	out := bufio.NewWriter(w)
	lines := ndjson.NewWriter(out)
	errs := []error{lines.Write(r.line())}
	for _, s := range r.sections() {
		for _, g := range s.groups {
			errs = append(errs, lines.Write(r.groupLine(s.by, &g)))
		}
	}
	return errors.Join(append(errs, out.Flush())...)
}

func (r *ConntrackReport) line() conntrackLine {
	s, t := &r.Summary, &r.Table
	l := conntrackLine{
		Type: "conntrack", Schema: ndjson.Schema, Time: ndjson.Time(r.Time), Duration: ndjson.Seconds(r.Took), Version: r.Version,
		Host: r.Machine.Name, Kernel: r.Machine.Kernel, Netns: t.Netns, Name: t.Name,
		Count: t.Count, Max: t.Max, Buckets: t.Buckets,
		Entries: s.Entries, Passed: s.Passed, Malformed: r.Dumped.Malformed, Interrupted: r.Dumped.Interrupted,
		IPv4: s.Entries - s.IPv6, IPv6: s.IPv6, Unreplied: s.Unreplied, Since: string(s.Since),
		Addresses: s.NumAddresses, Ports: s.NumPorts, Folded: s.Folded, Zones: []zoneTotal{}, Free: r.free(),
	}
	for _, zone := range slices.Sorted(maps.Keys(s.Zones)) {
		l.Zones = append(l.Zones, zoneTotal{zone, s.Zones[zone]})
	}
	return l
}

func (r *ConntrackReport) groupLine(by ConntrackBy, g *conntrack.Group) groupLine {
	l := groupLine{
		Type: "group", By: by, Entries: g.Entries, Unreplied: g.Unreplied, Missing: g.Missing,
		Share: float64(g.Entries) / float64(max(r.Summary.Entries, 1)),
	}
	addr := g.Prefix.Addr()
	switch by {
	case ByState:
		l.Proto, l.State = g.Kind.Protocol(), g.Kind.State
	case ByPrefix:
		l.Prefix, l.Own, l.Addresses = &g.Prefix, &g.Own, g.Addresses
	case BySrc:
		l.Src = &addr
	case ByDst:
		l.Dst = &addr
	case ByDport:
		l.Proto, l.Dport = conntrack.Kind{Proto: g.Port.Proto}.Protocol(), &g.Port.Port
		return l
	}
	if by != ByState {
		l.Mostly = &mostly{g.Mostly.Protocol(), g.Mostly.State, g.MostlyEntries}
	}
	if g.MedianOf > 0 {
		median := ndjson.Seconds(g.Median)
		l.Median = &median
	}
	l.MedianOf = &g.MedianOf
	return l
}
