// SPDX-License-Identifier: Apache-2.0

// Package ndjson writes JSON for programs, an object a line. All commands use it, so that
// every string is escaped in the same way.
//
// A program gets back exactly the text that there was. Only what is printable
// stands there as itself, '<', '>' and '&' among it; all else is \uXXXX: a line is as
// safe to look at in a terminal as to parse. A byte that is no UTF-8, which JSON
// cannot hold, becomes U+FFFD.
package ndjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Schema is the version of the JSON. Within it fields are only ever added.
const Schema = 1

// Writer writes objects.
type Writer struct {
	out    io.Writer
	enc    *json.Encoder // into buffer
	buffer bytes.Buffer
}

// NewWriter returns a writer that makes one call of w.Write for a line.
func NewWriter(w io.Writer) *Writer {
	j := &Writer{out: w}
	j.enc = json.NewEncoder(&j.buffer)
	j.enc.SetEscapeHTML(false)
	return j
}

// Write writes an object that encoding/json makes of v.
func (w *Writer) Write(v any) error {
	w.buffer.Reset()
	if err := w.enc.Encode(v); err != nil {
		return err
	}
	return w.flush()
}

// Member is a field of an object.
type Member struct {
	Key   string
	Value any
}

// WriteMembers writes an object of these members, in their order.
func (w *Writer) WriteMembers(members []Member) error {
	w.buffer.Reset()
	before := byte('{')
	for _, m := range members {
		w.buffer.WriteByte(before)
		before = ','
		w.buffer.WriteByte('"')
		w.buffer.WriteString(m.Key)
		w.buffer.WriteString(`":`)
		if err := w.value(m.Value); err != nil {
			return fmt.Errorf("%s: %w", m.Key, err)
		}
	}
	w.buffer.WriteString("}\n")
	return w.flush()
}

// value puts a value. encoding/json takes four times as long for the plain ones,
// of which a flood has tens of thousands a second.
func (w *Writer) value(v any) error {
	switch v := v.(type) {
	case uint64:
		w.buffer.Write(strconv.AppendUint(w.buffer.AvailableBuffer(), v, 10))
		return nil
	case string:
		if plain(v) {
			w.buffer.WriteByte('"')
			w.buffer.WriteString(v)
			w.buffer.WriteByte('"')
			return nil
		}
	}
	err := w.enc.Encode(v)
	w.buffer.Truncate(max(w.buffer.Len()-1, 0)) // the newline
	return err
}

// plain says whether a string needs no escape in JSON.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func (w *Writer) flush() error {
	_, err := w.out.Write(escape(w.buffer.Bytes()))
	return err
}

// escape escapes what is not printable. Beyond ASCII all of it is inside of
// strings; encoding/json did so with what comes before.
func escape(line []byte) []byte {
	if !bytes.ContainsFunc(line, beyondASCII) {
		return line
	}
	escaped := make([]byte, 0, len(line)+64)
	for _, r := range string(line) {
		switch {
		case !beyondASCII(r) || strconv.IsPrint(r):
			escaped = utf8.AppendRune(escaped, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, high, low)
		default:
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		}
	}
	return escaped
}

func beyondASCII(r rune) bool { return r > '~' }

// Time is a time as all lines have it: UTC, and always with nine digits, so that
// times sort.
func Time(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

// Seconds is a duration in seconds, in µs and as the number nearest to that:
// what time.Duration.Seconds adds up may have sixteen digits.
func Seconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e6 }

// List keeps an empty list from becoming null.
func List[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}
