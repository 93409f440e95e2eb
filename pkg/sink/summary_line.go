// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"time"

	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/ndjson"
	"github.com/synwatch/synwatch/pkg/stream"
)

// summaryLine is the line of type "summary".
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
	Filtered bool               `json:"filtered,omitempty"`
}

func newSummaryLine(s stream.Summary) summaryLine {
	line := summaryLine{
		Type: "summary", Time: ndjson.Time(s.Time), Duration: ndjson.Seconds(s.Duration),
		Drops: s.Drops, Notices: s.Notices, Lost: s.Lost, Unattributed: s.Unattributed, Missed: s.Missed,
		Merged: s.Merged, Unshown: s.Unshown, Causes: []causeTotal{}, Unseen: newUnseenTotals(s.Unseen),
		Reconcile: ndjson.List(newRows(s.Reconcile)), Findings: ndjson.List(s.Findings), Filtered: s.Filtered,
	}
	for _, c := range s.Causes {
		line.Causes = append(line.Causes, newCauseTotal(c))
	}
	return line
}

func (l summaryLine) summary(d *Decoder) (stream.Summary, error) {
	at, err := parseTime(l.Time)
	if err != nil {
		return stream.Summary{}, err
	}
	s := stream.Summary{
		Time: at, Duration: duration(l.Duration), Drops: l.Drops, Notices: l.Notices, Lost: l.Lost,
		Unattributed: l.Unattributed, Missed: l.Missed, Merged: l.Merged, Unshown: l.Unshown,
		Reconcile: rows(l.Reconcile), Findings: l.Findings, Filtered: l.Filtered,
	}
	if s.Unseen, err = unseenTotals(l.Unseen, d); err != nil {
		return s, err
	}
	for _, c := range l.Causes {
		total, err := c.total(d)
		if err != nil {
			return s, err
		}
		s.Causes = append(s.Causes, total)
	}
	return s, nil
}

// duration reads what ndjson.Seconds writes.
func duration(seconds float64) time.Duration {
	const most = 1e9 // seconds, some thirty years
	return time.Duration(min(max(seconds, 0), most)*1e6+0.5) * time.Microsecond
}
