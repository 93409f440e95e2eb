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
)

// told is what a trace tells of floods, added up as it comes, for there may be
// millions of lines.
type told struct {
	started chan struct{} // closed by the first line
	summary record

	mu sync.Mutex
	// counts are by cause, and by source; the zero address has those that were
	// told of without one.
	counts map[string]map[netip.Addr]uint64
	lines  int
}

func newTold() *told {
	return &told{started: make(chan struct{}), counts: map[string]map[netip.Addr]uint64{}}
}

// line is what is added up.
type line struct {
	Type  string     `json:"type"`
	Cause string     `json:"cause"`
	Count uint64     `json:"count"`
	Src   netip.Addr `json:"src"`
}

// readFrom reads JSON to its end.
func (o *told) readFrom(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		if err := o.read(lines.Bytes()); err != nil {
			return fmt.Errorf("%w in %s", err, lines.Text())
		}
	}
	return lines.Err()
}

func (o *told) read(text []byte) error {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return err
	}
	switch l.Type {
	case "start":
		close(o.started)
	case "summary":
		return json.Unmarshal(text, &o.summary)
	default:
		o.add(l)
	}
	return nil
}

func (o *told) add(l line) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.counts[l.Cause] == nil {
		o.counts[l.Cause] = map[netip.Addr]uint64{}
	}
	o.counts[l.Cause][l.Src] += l.Count
	o.lines++
}

// toldBy adds up records.
func toldBy(records []record, summary record) *told {
	o := newTold()
	o.summary = summary
	for _, r := range records {
		o.add(line{r.Type, r.Cause, r.Count, r.Src})
	}
	return o
}

// count is how many drops of a cause from a source it has told of by now.
func (o *told) count(cause string, src netip.Addr) uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counts[cause][src]
}

// soFar is how many lines it has told by now.
func (o *told) soFar() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lines
}

// await waits until it tells of a drop, for a limited time.
func (o *told) await(cause string, src netip.Addr, limit time.Duration) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if o.count(cause, src) > 0 {
			return true
		}
	}
	return false
}
