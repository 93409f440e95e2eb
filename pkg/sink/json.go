// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bufio"
	"io"

	"github.com/synwatch/synwatch/pkg/ndjson"
	"github.com/synwatch/synwatch/pkg/stream"
)

// JSON writes an object a line. Decoder reads it.
type JSON struct {
	out     *bufio.Writer
	lines   *ndjson.Writer
	members []ndjson.Member // of the record that is written
}

// NewJSON returns a sink that writes JSON to w.
func NewJSON(w io.Writer) *JSON {
	out := bufio.NewWriter(w)
	return &JSON{out: out, lines: ndjson.NewWriter(out)}
}

// Start writes the line of type "start".
func (j *JSON) Start(s stream.Start) error { return j.lines.Write(newStartLine(s)) }

// Record writes a line of type "drop" or "notice".
func (j *JSON) Record(r stream.Record) error {
	j.members = j.members[:0]
	for i := range fields {
		if v := fields[i].value(&r); v != nil {
			j.members = append(j.members, ndjson.Member{Key: fields[i].key, Value: v})
		}
	}
	return j.lines.WriteMembers(j.members)
}

// Sample writes the line of type "sample".
func (j *JSON) Sample(s stream.Sample) error { return j.lines.Write(newSampleLine(s)) }

// Summary writes the line of type "summary".
func (j *JSON) Summary(s stream.Summary) error { return j.lines.Write(newSummaryLine(s)) }

// Flush writes out what was held back.
func (j *JSON) Flush() error { return j.out.Flush() }
