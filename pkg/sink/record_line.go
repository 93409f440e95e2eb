// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/tidwall/gjson"
)

// recordLine is a line of type "drop" or "notice" while its fields are read.
type recordLine struct {
	stream.Record
	known    *Decoder // what other lines had
	kind     cause.Kind
	id       string // of the cause
	src, dst end
	orig     end
}

// end is an address whose port is another field.
type end struct {
	addr netip.Addr
	port uint16
}

func (e end) addrPort() netip.AddrPort {
	if !e.addr.IsValid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(e.addr, e.port)
}

var errType = errors.New("a value of another type is wanted")

// finish makes the record of the fields.
func (l *recordLine) finish() error {
	switch {
	case l.id == "":
		return errors.New("no cause")
	case l.Time.IsZero():
		return errors.New("no time")
	case l.Count == 0:
		return errors.New("no count")
	}
	var err error
	if l.Cause, err = l.known.cause(l.id, l.kind); err != nil {
		return err
	}
	l.Src, l.Dst = l.src.addrPort(), l.dst.addrPort()
	if l.orig.addr.IsValid() {
		if l.Evidence == nil {
			l.Evidence = &event.Evidence{}
		}
		with := *l.Evidence // which other records have, too
		with.OrigDst = l.orig.addrPort()
		l.Evidence = &with
	}
	l.placeReason()
	return nil
}

// placeReason tells a reason from the place of the free that stands for one: the kernel's
// reasons are in capitals, and its functions are not.
func (l *recordLine) placeReason() {
	reason := l.Reason
	switch {
	case reason == "" || reason == strings.ToUpper(reason) && reason != l.Location:
	default:
		l.Reason, l.Location = "", reason
	}
}

func readText(to func(*recordLine) *string) func(*recordLine, gjson.Result) error {
	return func(l *recordLine, v gjson.Result) error {
		if v.Type != gjson.String {
			return errType
		}
		*to(l) = l.known.text(v.Str)
		return nil
	}
}

func readNumber[T uint16 | uint32 | uint64](to func(*recordLine) *T) func(*recordLine, gjson.Result) error {
	return func(l *recordLine, v gjson.Result) error {
		if v.Type != gjson.Number {
			return errType
		}
		n, err := strconv.ParseUint(v.Raw, 10, 64)
		if err != nil {
			return err
		}
		if *to(l) = T(n); uint64(T(n)) != n {
			return fmt.Errorf("%d is too large", n)
		}
		return nil
	}
}

func readAddress(to func(*recordLine) *netip.Addr) func(*recordLine, gjson.Result) error {
	return func(l *recordLine, v gjson.Result) error {
		if v.Type != gjson.String {
			return errType
		}
		addr, err := netip.ParseAddr(v.Str)
		*to(l) = addr.WithZone("") // which no packet has
		return err
	}
}

func readKind(l *recordLine, v gjson.Result) error {
	for kind, name := range kindNames {
		if name == v.Str {
			l.kind = kind
		}
	}
	return nil // whoever reads the line has looked at the type
}

func readTime(l *recordLine, v gjson.Result) (err error) {
	l.Time, err = parseTime(v.Str)
	return err
}

// parseTime reads what ndjson.Time writes.
func parseTime(s string) (time.Time, error) { return time.Parse(time.RFC3339Nano, s) }

func readDirection(l *recordLine, v gjson.Result) error {
	l.Direction = parseDirection(v.Str)
	return nil
}

// parseDirection takes one that is not known here for an unknown direction. What it
// returns keeps no line in memory.
func parseDirection(s string) event.Direction {
	for _, d := range []event.Direction{event.In, event.Forward, event.Out} {
		if s == string(d) {
			return d
		}
	}
	return ""
}

func readProto(l *recordLine, v gjson.Result) (err error) {
	l.Proto, err = event.ParseProto(v.Str)
	return err
}

func readListener(l *recordLine, v gjson.Result) (err error) {
	l.Listener, err = l.known.listeners.get(v.Raw, listenerObject.listener)
	return err
}

func readSender(l *recordLine, v gjson.Result) (err error) {
	l.Sender, err = l.known.senders.get(v.Raw, processObject.process)
	return err
}

func readTarget(l *recordLine, v gjson.Result) (err error) {
	l.Target, err = l.known.targets.get(v.Raw, targetObject.target)
	return err
}

func readEvidence(l *recordLine, v gjson.Result) error {
	e, err := l.known.evidence.get(v.Raw, evidenceObject.read)
	if err != nil {
		return err
	}
	l.Evidence, l.Conntrack, l.Interface, l.OutInterface, l.Location = e.evidence, e.conntrack, e.in, e.out, e.location
	if e.reset {
		l.Facts = event.ResetSent
	}
	return nil
}
