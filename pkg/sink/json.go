// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bufio"
	"io"
	"net/netip"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/ndjson"
	"github.com/synwatch/synwatch/pkg/stream"
)

// JSON writes an object a line.
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
func (j *JSON) Start(s stream.Start) error {
	return j.lines.Write(struct {
		Type    string            `json:"type"`
		Schema  int               `json:"schema"`
		Time    string            `json:"time"`
		Version string            `json:"version"`
		Host    string            `json:"host"`
		Kernel  string            `json:"kernel"`
		Hooks   []event.HookState `json:"hooks"`
		Blind   []string          `json:"blind"`
		Netns   uint32            `json:"netns"` // of the machine's own namespace
	}{"start", ndjson.Schema, ndjson.Time(s.Time), s.Version, s.Machine.Name, s.Machine.Kernel,
		ndjson.List(s.Hooks), ndjson.List(s.Blind), s.Machine.Netns})
}

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

// Flush writes out what was held back.
func (j *JSON) Flush() error { return j.out.Flush() }

type summaryLine struct {
	Type         string       `json:"type"`
	Time         string       `json:"time"`
	Duration     float64      `json:"duration_s"`
	Drops        uint64       `json:"drops"`
	Notices      uint64       `json:"notices"`
	Lost         uint64       `json:"lost"`
	Unattributed uint64       `json:"unattributed"`
	Missed       uint64       `json:"missed"`
	Merged       uint64       `json:"merged"`
	Unshown      uint64       `json:"unshown,omitempty"`
	Causes       []causeTotal `json:"causes"`
	// Unseen is what is known only as a counter's total.
	Unseen    []unseenTotal `json:"unseen,omitempty"`
	Reconcile []row         `json:"reconcile"`
	// Findings are what to do, the worst first.
	Findings []diagnose.Finding `json:"findings"`
}

// tally is how many drops or notices there were, of which there are never both.
type tally struct {
	Drops   uint64 `json:"drops"`
	Notices uint64 `json:"notices,omitempty"`
}

type causeTotal struct {
	Cause string `json:"cause"`
	tally
	Sources    []sourceTotal `json:"sources"`
	Fix        string        `json:"fix"`
	NumSources int           `json:"num_sources"`
	Others     uint64        `json:"others"`
	Range      *rangeTotal   `json:"range,omitempty"`
	// Directions and Protos split the count, as far as they are known.
	Directions map[string]uint64 `json:"directions,omitempty"`
	Protos     map[string]uint64 `json:"protos,omitempty"`
}

type sourceTotal struct {
	Src netip.Addr `json:"src"`
	tally
}

type rangeTotal struct {
	Prefix netip.Prefix `json:"prefix"`
	tally
	NumSources int `json:"num_sources"`
}

type unseenTotal struct {
	Causes  []string `json:"causes"` // with their stages, as cause/stage
	Counter string   `json:"counter"`
	Count   uint64   `json:"count"`
}

type row struct {
	Netns      uint32 `json:"netns"`
	Counter    string `json:"counter"`
	Kernel     uint64 `json:"kernel"`
	Attributed uint64 `json:"attributed"`
	Cookie     uint64 `json:"netns_cookie,omitempty"`
	NetnsName  string `json:"netns_name,omitempty"`
	Why        string `json:"why,omitempty"`
}

// Sample writes nothing yet.
func (j *JSON) Sample(stream.Sample) error { return nil }

// Summary writes the line of type "summary".
func (j *JSON) Summary(s stream.Summary) error {
	line := summaryLine{
		Type: "summary", Time: ndjson.Time(s.Time), Duration: ndjson.Seconds(s.Duration),
		Drops: s.Drops, Notices: s.Notices, Lost: s.Lost, Unattributed: s.Unattributed, Missed: s.Missed,
		Merged: s.Merged, Unshown: s.Unshown, Causes: []causeTotal{}, Reconcile: []row{},
		Findings: ndjson.List(s.Findings),
	}
	for _, c := range s.Causes {
		line.Causes = append(line.Causes, newCauseTotal(c))
	}
	for _, u := range s.Unseen {
		line.Unseen = append(line.Unseen, unseenTotal{stageIDs(u.Stages), u.Counter, u.Count})
	}
	for _, r := range s.Reconcile {
		line.Reconcile = append(line.Reconcile, row{r.Netns, r.Counter, r.Kernel, r.Attributed, r.Cookie, r.NetnsName, r.Why})
	}
	return j.lines.Write(line)
}

func newCauseTotal(c stream.CauseTotal) causeTotal {
	count := func(n uint64) tally {
		if c.Cause.Kind == cause.Notice {
			return tally{Notices: n}
		}
		return tally{Drops: n}
	}
	total := causeTotal{
		Cause: c.Cause.ID, tally: count(c.Count), Sources: []sourceTotal{}, Fix: c.Cause.Fix, NumSources: c.NumSources,
		Others: c.Others, Directions: directionCounts(&c), Protos: protoCounts(&c),
	}
	for _, s := range c.Sources {
		total.Sources = append(total.Sources, sourceTotal{s.Src, count(s.Count)})
	}
	if r := c.Range; r != nil {
		total.Range = &rangeTotal{r.Prefix, count(r.Count), r.NumSources}
	}
	return total
}

func stageIDs(stages []cause.Stage) []string {
	ids := []string{}
	for _, s := range stages {
		ids = append(ids, stageID(s.Cause, s.Stage))
	}
	return ids
}
