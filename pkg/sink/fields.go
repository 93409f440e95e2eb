// SPDX-License-Identifier: Apache-2.0

// Package sink writes what a trace records: as text for people and as JSON for
// programs. Both show the same fields.
package sink

import (
	"net/netip"
	"slices"
	"strconv"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/ndjson"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/text"
	"github.com/tidwall/gjson"
)

// field is one field of a record.
type field struct {
	key string
	// value is what the JSON has, nil for nothing, and read takes it from there.
	value func(*stream.Record) any
	read  func(*recordLine, gjson.Result) error
	// column and words are set where the text has the field, too.
	column text.Column
	words  func(*stream.Record) string
}

// fields are in the order of the JSON. The widths leave the better part of the
// evidence within 100 characters.
var fields = []field{
	{key: "type", value: func(r *stream.Record) any { return kindNames[r.Cause.Kind] }, read: readKind},
	{key: "time", value: func(r *stream.Record) any { return ndjson.Time(r.Time) }, read: readTime,
		column: text.Column{Title: "TIME", Width: 12}, words: func(r *stream.Record) string { return r.Time.Local().Format("15:04:05.000") }},
	{key: "cause", value: func(r *stream.Record) any { return r.Cause.ID }, read: readText(func(l *recordLine) *string { return &l.id }),
		column: text.Column{Title: "CAUSE", Width: 21}, words: causeAndStage},
	{key: "stage", value: func(r *stream.Record) any { return unlessZero(r.Stage) }, read: readText(func(l *recordLine) *string { return &l.Stage })},
	{key: "count", value: func(r *stream.Record) any { return r.Count }, read: readNumber(func(l *recordLine) *uint64 { return &l.Count }),
		column: text.Column{Width: 3}, words: func(r *stream.Record) string { return "×" + strconv.FormatUint(r.Count, 10) }},
	{key: "direction", value: func(r *stream.Record) any { return unlessZero(string(r.Direction)) }, read: readDirection},
	{key: "proto", value: protoValue, read: readProto},
	{key: "src", value: func(r *stream.Record) any { return address(r.Src) }, read: readAddress(func(l *recordLine) *netip.Addr { return &l.src.addr }),
		column: text.Column{Title: "SOURCE", Width: 18, Gap: " → "}, words: sourceWords},
	{key: "src_port", value: func(r *stream.Record) any { return port(r, r.Src) }, read: readNumber(func(l *recordLine) *uint16 { return &l.src.port })},
	{key: "dst", value: func(r *stream.Record) any { return address(r.Dst) }, read: readAddress(func(l *recordLine) *netip.Addr { return &l.dst.addr }),
		column: text.Column{Title: "DESTINATION", Width: 12}, words: destinationWords},
	{key: "dst_port", value: func(r *stream.Record) any { return port(r, r.Dst) }, read: readNumber(func(l *recordLine) *uint16 { return &l.dst.port })},
	{key: "orig_dst", value: func(r *stream.Record) any { return address(originalDst(r)) }, read: readAddress(func(l *recordLine) *netip.Addr { return &l.orig.addr })},
	{key: "orig_dst_port", value: func(r *stream.Record) any { return port(r, originalDst(r)) }, read: readNumber(func(l *recordLine) *uint16 { return &l.orig.port })},
	{key: "netns", value: func(r *stream.Record) any { return uint64(r.Netns.Inode) }, read: readNumber(func(l *recordLine) *uint32 { return &l.Netns.Inode })},
	{key: "netns_cookie", value: func(r *stream.Record) any { return unlessZero(r.Netns.Cookie) }, read: readNumber(func(l *recordLine) *uint64 { return &l.Netns.Cookie })},
	{key: "netns_name", value: func(r *stream.Record) any { return unlessZero(r.NetnsName) }, read: readText(func(l *recordLine) *string { return &l.NetnsName })},
	{key: "hook", value: func(r *stream.Record) any { return string(r.Hook) }, read: readText(func(l *recordLine) *string { return (*string)(&l.Hook) })},
	{key: "reason", value: func(r *stream.Record) any { return reason(r) }, read: readText(func(l *recordLine) *string { return &l.Reason })},
	{key: "merged", value: func(r *stream.Record) any { return unlessZero(r.Merged) }, read: readNumber(func(l *recordLine) *uint64 { return &l.Merged })},
	{key: "target", value: targetValue, read: readTarget},
	{key: "listener", value: listenerValue, read: readListener,
		column: text.Column{Title: "PROCESS", Width: 8}, words: processWord},
	{key: "process", value: senderValue, read: readSender},
	{key: "evidence", value: evidenceValue, read: readEvidence,
		column: text.Column{Title: "EVIDENCE"}, words: evidenceWords},
}

// unlessZero leaves a zero value out.
func unlessZero[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// address and port are those of an address that is known.
func address(a netip.AddrPort) any {
	if !a.IsValid() {
		return nil
	}
	return a.Addr().String()
}

func port(r *stream.Record, a netip.AddrPort) any {
	if !a.IsValid() || !hasPorts(r.Proto) {
		return nil
	}
	return uint64(a.Port())
}

// inText are the fields that make a line of text, in their order there.
var inText = byKey("time", "cause", "src", "dst", "listener", "count", "evidence")

func byKey(keys ...string) []field {
	var found []field
	for _, key := range keys {
		found = append(found, fields[slices.IndexFunc(fields, func(f field) bool { return f.key == key })])
	}
	return found
}

// unknown stands for an address that the kernel side does not know.
const unknown = "unknown"

var kindNames = map[cause.Kind]string{cause.Drop: "drop", cause.Notice: "notice"}

func causeAndStage(r *stream.Record) string { return stageID(r.Cause, r.Stage) }

func stageID(c *cause.Cause, stage string) string {
	if stage == "" {
		return c.ID
	}
	return c.ID + "/" + stage
}

// reason is the kernel's drop reason, or where it gives none the place where it
// freed the packet.
func reason(r *stream.Record) string {
	if r.Reason == "" {
		return r.Location
	}
	return r.Reason
}
