// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/synwatch/synwatch/pkg/capture/capturetest"
)

// reportedDrops adds up the drops that a trace reports, line by line: there may be
// millions of lines.
type reportedDrops struct {
	started chan struct{} // closed by the first line
	summary record
	schema  capturetest.Checker

	mu sync.Mutex
	// counts are by cause and source. Drops that were reported without a source are
	// under the zero address.
	counts map[string]map[netip.Addr]uint64
	lines  int
}

func newReportedDrops() *reportedDrops {
	return &reportedDrops{started: make(chan struct{}), counts: map[string]map[netip.Addr]uint64{}}
}

// line is the part of a JSON line that is added up.
type line struct {
	Type  string     `json:"type"`
	Cause string     `json:"cause"`
	Count uint64     `json:"count"`
	Src   netip.Addr `json:"src"`
}

// readFrom reads JSON to its end.
func (o *reportedDrops) readFrom(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		if err := o.read(lines.Bytes()); err != nil {
			return fmt.Errorf("%w in %s", err, lines.Text())
		}
	}
	return lines.Err()
}

func (o *reportedDrops) read(text []byte) error {
	if err := o.schema.Check(text); err != nil {
		return err
	}
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return err
	}
	switch l.Type {
	case "start":
		close(o.started)
	case "summary":
		return json.Unmarshal(text, &o.summary)
	case "drop", "notice":
		o.add(l)
	}
	return nil
}

func (o *reportedDrops) add(l line) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.counts[l.Cause] == nil {
		o.counts[l.Cause] = map[netip.Addr]uint64{}
	}
	o.counts[l.Cause][l.Src] += l.Count
	o.lines++
}

// sumRecords adds up records.
func sumRecords(records []record, summary record) *reportedDrops {
	o := newReportedDrops()
	o.summary = summary
	for _, r := range records {
		o.add(line{r.Type, r.Cause, r.Count, r.Src})
	}
	return o
}

// count is how many drops of a cause from a source were reported so far.
func (o *reportedDrops) count(cause string, src netip.Addr) uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counts[cause][src]
}

// lineCount is how many records were read so far.
func (o *reportedDrops) lineCount() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lines
}

// await waits, for a limited time, until a drop of a cause and source is reported.
func (o *reportedDrops) await(cause string, src netip.Addr, limit time.Duration) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if o.count(cause, src) > 0 {
			return true
		}
	}
	return false
}
