// SPDX-License-Identifier: Apache-2.0

// Package sink writes what watch tells: as text for people and as JSON for
// programs. Both show the same fields.
package sink

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/watch"
)

// field is one field of a record: its value for programs, nil to leave it out,
// and, where it is also a column of the text, how it looks there.
type field struct {
	key   string
	value func(*watch.Record) any
	title string
	// width is the column's least; it grows with what is put into it.
	width int
	text  func(*watch.Record) string
}

// fields are in the order of the JSON. The widths leave the better part of the
// evidence within 100 characters.
var fields = []field{
	{key: "type", value: func(r *watch.Record) any { return kindNames[r.Cause.Kind] }},
	{key: "time", value: func(r *watch.Record) any { return utc(r.Time) },
		title: "TIME", width: 12, text: func(r *watch.Record) string { return r.Time.Local().Format("15:04:05.000") }},
	{key: "cause", value: func(r *watch.Record) any { return r.Cause.ID },
		title: "CAUSE", width: 21, text: causeAndStage},
	{key: "stage", value: func(r *watch.Record) any { return omitEmpty(r.Stage) }},
	{key: "count", value: func(r *watch.Record) any { return r.Count },
		title: "", width: 3, text: func(r *watch.Record) string { return fmt.Sprintf("×%d", r.Count) }},
	{key: "src", value: func(r *watch.Record) any { return addr(r.Src) },
		title: "SOURCE", width: 18, text: func(r *watch.Record) string { return addrPort(r.Src) }},
	{key: "src_port", value: func(r *watch.Record) any { return port(r.Src) }},
	{key: "dst", value: func(r *watch.Record) any { return addr(r.Dst) },
		title: "DESTINATION", width: 12, text: func(r *watch.Record) string { return addrPort(r.Dst) }},
	{key: "dst_port", value: func(r *watch.Record) any { return port(r.Dst) }},
	{key: "netns", value: func(r *watch.Record) any { return r.Netns }},
	{key: "netns_name", value: func(r *watch.Record) any { return omitEmpty(r.NetnsName) }},
	{key: "hook", value: func(r *watch.Record) any { return string(r.Hook) }},
	{key: "reason", value: func(r *watch.Record) any { return reason(r) }},
	{key: "merged", value: func(r *watch.Record) any { return omitEmpty(r.Merged) }},
	{key: "listener", value: listenerOf, title: "LISTENER", width: 8,
		text: func(r *watch.Record) string { return ownerWord(r.Listener) }},
	{key: "evidence", value: evidence, title: "EVIDENCE", text: evidenceWords},
}

// columns are the fields that make a line of text, in their order there.
var columns = byKey("time", "cause", "src", "dst", "listener", "count", "evidence")

func byKey(keys ...string) []field {
	var found []field
	for _, key := range keys {
		found = append(found, fields[slices.IndexFunc(fields, func(f field) bool { return f.key == key })])
	}
	return found
}

// unknown stands for an address that the kernel side could not tell.
const unknown = "unknown"

var kindNames = map[cause.Kind]string{cause.Drop: "drop", cause.Notice: "notice"}

func causeAndStage(r *watch.Record) string { return stageID(r.Cause, r.Stage) }

func stageID(c *cause.Cause, stage string) string {
	if stage == "" {
		return c.ID
	}
	return c.ID + "/" + stage
}

// reason is the kernel's drop reason, or where it gives none the place where it
// freed the packet.
func reason(r *watch.Record) string {
	if r.Reason == "" {
		return r.Location
	}
	return r.Reason
}

// utc is a time as JSON shows it: always with nine digits, so that times sort.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

func omitEmpty[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

func addr(a netip.AddrPort) any {
	if !a.Addr().IsValid() {
		return nil
	}
	return a.Addr().String()
}

func port(a netip.AddrPort) any {
	if !a.Addr().IsValid() {
		return nil
	}
	return a.Port()
}

func addrPort(a netip.AddrPort) string {
	if !a.Addr().IsValid() {
		return unknown
	}
	return a.String()
}

func addrWord(a netip.Addr) string {
	if !a.IsValid() {
		return unknown
	}
	return a.String()
}
