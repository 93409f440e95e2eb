// SPDX-License-Identifier: Apache-2.0

// Package sink writes what watch tells: as text for people and as JSON for
// programs. Both show the same fields.
package sink

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/watch"
)

// field is one field of a record: how it is put into an object for programs, if
// it is not left out, and, where it is also a column of the text, how it looks there.
type field struct {
	key   string
	put   func(*object, *watch.Record)
	title string
	// width is the column's least; it grows with what is put into it.
	width int
	text  func(*watch.Record) string
}

// fields are in the order of the JSON. The widths leave the better part of the
// evidence within 100 characters.
var fields = []field{
	{key: "type", put: func(o *object, r *watch.Record) { o.text(kindNames[r.Cause.Kind]) }},
	{key: "time", put: func(o *object, r *watch.Record) { o.time(r.Time) },
		title: "TIME", width: 12, text: func(r *watch.Record) string { return r.Time.Local().Format("15:04:05.000") }},
	{key: "cause", put: func(o *object, r *watch.Record) { o.text(r.Cause.ID) },
		title: "CAUSE", width: 21, text: causeAndStage},
	{key: "stage", put: func(o *object, r *watch.Record) { o.textIfAny(r.Stage) }},
	{key: "count", put: func(o *object, r *watch.Record) { o.number(r.Count) },
		title: "", width: 3, text: func(r *watch.Record) string { return fmt.Sprintf("×%d", r.Count) }},
	{key: "src", put: func(o *object, r *watch.Record) { o.addr(r.Src) },
		title: "SOURCE", width: 18, text: func(r *watch.Record) string { return addrPort(r.Src) }},
	{key: "src_port", put: func(o *object, r *watch.Record) { o.port(r.Src) }},
	{key: "dst", put: func(o *object, r *watch.Record) { o.addr(r.Dst) },
		title: "DESTINATION", width: 12, text: func(r *watch.Record) string { return addrPort(r.Dst) }},
	{key: "dst_port", put: func(o *object, r *watch.Record) { o.port(r.Dst) }},
	{key: "netns", put: func(o *object, r *watch.Record) { o.number(uint64(r.Netns.Inode)) }},
	{key: "netns_cookie", put: func(o *object, r *watch.Record) { o.numberIfAny(r.Netns.Cookie) }},
	{key: "netns_name", put: func(o *object, r *watch.Record) { o.textIfAny(r.NetnsName) }},
	{key: "hook", put: func(o *object, r *watch.Record) { o.text(string(r.Hook)) }},
	{key: "reason", put: func(o *object, r *watch.Record) { o.text(reason(r)) }},
	{key: "merged", put: func(o *object, r *watch.Record) { o.numberIfAny(r.Merged) }},
	{key: "listener", put: putListener, title: "LISTENER", width: 8,
		text: func(r *watch.Record) string { return ownerWord(r.Listener) }},
	{key: "evidence", put: putEvidence, title: "EVIDENCE", text: evidenceWords},
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
