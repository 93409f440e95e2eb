// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"time"
)

// object is a line of JSON in the making. Its bytes are those that encoding/json
// would write; but a flood makes tens of thousands of records a second, and
// this writes the plain ones without an allocation.
type object struct {
	bytes []byte
	// key is the name of the value that is put next.
	key string
	err error
}

// open begins a new object, in the place of the last.
func (o *object) open() {
	o.bytes, o.err = append(o.bytes[:0], '{'), nil
}

// close ends the object and its line.
func (o *object) close() error {
	o.bytes = append(o.bytes, '}', '\n')
	return o.err
}

// name puts the key.
func (o *object) name() {
	if len(o.bytes) > 1 {
		o.bytes = append(o.bytes, ',')
	}
	o.bytes = append(o.bytes, '"')
	o.bytes = append(o.bytes, o.key...)
	o.bytes = append(o.bytes, '"', ':')
}

func (o *object) text(s string) {
	if !plain(s) {
		o.any(s)
		return
	}
	o.name()
	o.bytes = append(o.bytes, '"')
	o.bytes = append(o.bytes, s...)
	o.bytes = append(o.bytes, '"')
}

func (o *object) textIfAny(s string) {
	if s != "" {
		o.text(s)
	}
}

func (o *object) number(n uint64) {
	o.name()
	o.bytes = strconv.AppendUint(o.bytes, n, 10)
}

func (o *object) numberIfAny(n uint64) {
	if n != 0 {
		o.number(n)
	}
}

func (o *object) time(t time.Time) {
	o.name()
	o.bytes = append(o.bytes, '"')
	o.bytes = t.UTC().AppendFormat(o.bytes, timeFormat)
	o.bytes = append(o.bytes, '"')
}

// addr puts an address, if it is known.
func (o *object) addr(a netip.AddrPort) {
	if !a.IsValid() {
		return
	}
	o.name()
	o.bytes = append(o.bytes, '"')
	o.bytes = a.Addr().AppendTo(o.bytes)
	o.bytes = append(o.bytes, '"')
}

// port puts the port of an address that is known.
func (o *object) port(a netip.AddrPort) {
	if a.IsValid() {
		o.number(uint64(a.Port()))
	}
}

// any puts what has no way of its own.
func (o *object) any(v any) {
	text, err := json.Marshal(v)
	if err != nil && o.err == nil {
		o.err = err
	}
	o.name()
	o.bytes = append(o.bytes, text...)
}

// plain says whether JSON shows a text as it is.
func plain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c >= 0x7f, c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}

// timeFormat always has nine digits, so that times sort.
const timeFormat = "2006-01-02T15:04:05.000000000Z"

func utc(t time.Time) string { return t.UTC().Format(timeFormat) }

// seconds are in µs, as the number nearest to that: what time.Duration.Seconds
// adds up may have sixteen digits.
func seconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e6 }
