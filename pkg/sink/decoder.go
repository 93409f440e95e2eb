// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/ndjson"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/tidwall/gjson"
)

const (
	// maxRecord is how long a line of a record may be, in bytes: records are kept.
	maxRecord = 16 << 10
	// maxText is how much of a text is kept, in bytes, and maxName of a name: records and
	// places have many of these, and none that is real is longer.
	maxText, maxName = 4096, 256
	// maxObject is how long the JSON of an object may be, in bytes, to be remembered.
	maxObject = 1024
	// maxKnown bounds what is remembered of the lines before.
	maxKnown = 4096
	// maxElements bounds the elements of a line that is no record's: each takes up to a
	// hundred times the memory that it takes in the line.
	maxElements = 400_000
	// maxUnknownCauses bounds the causes that a newer synwatch may have named.
	maxUnknownCauses = 64
)

// ErrSchema is what the error satisfies about a capture of another schema.
var ErrSchema = errors.New("this synwatch reads captures of schema 1 only")

// Decoder reads what JSON wrote. It remembers what many lines have in common.
type Decoder struct {
	causes    map[string]*cause.Cause
	unknown   int // of these
	texts     map[string]string
	listeners objects[listenerObject, enrich.Listener]
	senders   objects[processObject, proc.Process]
	targets   objects[targetObject, enrich.Target]
	evidence  objects[evidenceObject, evidenceRead]
	record    recordLine
	send      func(stream.Sink) error // d.sendRecord
}

// NewDecoder returns one that has read nothing yet.
func NewDecoder() *Decoder {
	d := &Decoder{
		causes: map[string]*cause.Cause{}, texts: map[string]string{},
		listeners: objects[listenerObject, enrich.Listener]{}, senders: objects[processObject, proc.Process]{},
		targets: objects[targetObject, enrich.Target]{}, evidence: objects[evidenceObject, evidenceRead]{},
	}
	for _, c := range cause.All() {
		d.causes[c.ID] = c
	}
	d.send = d.sendRecord
	return d
}

// Decode reads a line. What it returns hands it to a sink, before the next line is read;
// it is nil for a line of a type that is not known, which a newer synwatch may write.
func (d *Decoder) Decode(line []byte) (send func(stream.Sink) error, err error) {
	if len(line) > maxRecord {
		return d.decodeLong(line)
	}
	if !gjson.ValidBytes(line) {
		return nil, errors.New("not JSON")
	}
	object := gjson.ParseBytes(line)
	if !object.IsObject() {
		return nil, errors.New("no object")
	}
	switch kind := object.Get("type"); kind.Str {
	case "drop", "notice":
		return d.decodeRecord(object)
	case "":
		return nil, errors.New("no type")
	default:
		return d.decodeOther(kind.Str, line)
	}
}

// decodeLong reads a line that is too long for a record. encoding/json has a bound for
// how deep it goes into nested values.
func (d *Decoder) decodeLong(line []byte) (func(stream.Sink) error, error) {
	var l struct{ Type string }
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, plainError(err)
	}
	if l.Type == "drop" || l.Type == "notice" {
		return nil, fmt.Errorf("a record of %d bytes is too long", len(line))
	}
	return d.decodeOther(l.Type, line)
}

func (d *Decoder) decodeOther(kind string, line []byte) (func(stream.Sink) error, error) {
	if bytes.Count(line, []byte{','}) > maxElements {
		return nil, errors.New("too many elements")
	}
	switch kind {
	case "start":
		if err := checkSchema(line); err != nil {
			return nil, err
		}
		return decode(line, d, startLine.start, stream.Sink.Start)
	case "sample":
		return decode(line, d, sampleLine.sample, stream.Sink.Sample)
	case "summary":
		return decode(line, d, summaryLine.summary, stream.Sink.Summary)
	}
	return nil, nil
}

// decode reads a line as an L, of which make makes what a sink is given.
func decode[L, V any](line []byte, d *Decoder, make func(L, *Decoder) (V, error), give func(stream.Sink, V) error) (func(stream.Sink) error, error) {
	var l L
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, plainError(err)
	}
	v, err := make(l, d)
	if err != nil {
		return nil, err
	}
	return func(to stream.Sink) error { return give(to, v) }, nil
}

// plainError leaves out of an error what says where in this program's types it is.
func plainError(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s: %w", wrong.Field, errType)
	}
	return err
}

var fieldOf = func() map[string]*field {
	byKey := map[string]*field{}
	for i := range fields {
		byKey[fields[i].key] = &fields[i]
	}
	return byKey
}()

func (d *Decoder) decodeRecord(object gjson.Result) (_ func(stream.Sink) error, err error) {
	d.record = recordLine{known: d}
	object.ForEach(func(key, v gjson.Result) bool {
		if f := fieldOf[key.Str]; f != nil && v.Type != gjson.Null {
			if err = f.read(&d.record, v); err != nil {
				err = fmt.Errorf("%s: %w", f.key, err)
			}
		}
		return err == nil
	})
	if err == nil {
		err = d.record.finish()
	}
	return d.send, err
}

func (d *Decoder) sendRecord(to stream.Sink) error { return to.Record(d.record.Record) }

var causeID = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)

// cause finds a cause, or makes one that the catalogue does not know.
func (d *Decoder) cause(id string, kind cause.Kind) (*cause.Cause, error) {
	if c := d.causes[id]; c != nil {
		return c, nil
	}
	if !causeID.MatchString(id) {
		return nil, errors.New("cause: not the name of one")
	}
	if d.unknown >= maxUnknownCauses {
		return d.causes["other"], nil
	}
	d.unknown++
	c := &cause.Cause{ID: strings.Clone(id), Kind: kind, Meaning: "This synwatch does not know the cause; a newer one named it."}
	d.causes[c.ID] = c
	return c, nil
}

// text returns a text that does not keep its line in memory, and that is the same for
// all lines.
func (d *Decoder) text(s string) string {
	if known, ok := d.texts[s]; ok {
		return known
	}
	s = name(s)
	if len(d.texts) >= maxKnown {
		clear(d.texts)
	}
	d.texts[s] = s
	return s
}

// clip bounds a text, and name a name. They do not keep the rest in memory.
func clip(s string) string { return cut(s, maxText) }
func name(s string) string { return cut(s, maxName) }

func cut(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(strings.Clone(s), "\ufffd")
}

// objects are values by the JSON that stands for them: most records have one that another
// record has, too.
type objects[L, V any] map[string]*V

func (o objects[L, V]) get(raw string, of func(L) *V) (*V, error) {
	if v := o[raw]; v != nil {
		return v, nil
	}
	var l L
	if err := json.Unmarshal([]byte(raw), &l); err != nil {
		return nil, plainError(err)
	}
	v := of(l)
	if len(raw) > maxObject {
		return v, nil
	}
	if len(o) >= maxKnown {
		clear(o)
	}
	o[strings.Clone(raw)] = v
	return v, nil
}

// checkSchema looks at that of a start line alone: in another one all else may be different.
func checkSchema(line []byte) error {
	var l struct{ Schema json.RawMessage }
	if err := json.Unmarshal(line, &l); err != nil {
		return plainError(err)
	}
	switch word := string(l.Schema); {
	case word == "":
		return errors.New("schema: a start line without it")
	case word != strconv.Itoa(ndjson.Schema):
		return fmt.Errorf("schema %.20s: %w", word, ErrSchema)
	}
	return nil
}
