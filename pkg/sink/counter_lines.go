// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"strings"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/stream"
)

// unseenTotal is what is known only as a counter's total.
type unseenTotal struct {
	Causes  []string `json:"causes"` // with their stages, as cause/stage
	Counter string   `json:"counter"`
	Count   uint64   `json:"count"`
	// Also are the counters that move with it.
	Also []string `json:"also,omitempty"`
}

// newUnseenTotals is nil for nil.
func newUnseenTotals(totals []stream.UnseenTotal) []unseenTotal {
	if totals == nil {
		return nil
	}
	lines := []unseenTotal{}
	for _, u := range totals {
		lines = append(lines, unseenTotal{stageIDs(u.Stages), u.Counter, u.Count, u.Also})
	}
	return lines
}

func stageIDs(stages []cause.Stage) []string {
	ids := []string{}
	for _, s := range stages {
		ids = append(ids, stageID(s.Cause, s.Stage))
	}
	return ids
}

func unseenTotals(lines []unseenTotal, d *Decoder) ([]stream.UnseenTotal, error) {
	if lines == nil {
		return nil, nil
	}
	totals := []stream.UnseenTotal{}
	for _, l := range lines {
		u := stream.UnseenTotal{Count: l.Count, Unseen: cause.Unseen{Counter: clip(l.Counter), Also: l.Also}}
		for _, id := range l.Causes {
			id, stage, _ := strings.Cut(id, "/")
			c, err := d.cause(id, cause.Drop)
			if err != nil {
				return nil, err
			}
			u.Stages = append(u.Stages, cause.Stage{Cause: c, Stage: d.text(stage)})
		}
		totals = append(totals, u)
	}
	return totals, nil
}

// row sets a counter against what was attributed.
type row struct {
	Netns      uint32 `json:"netns"`
	Counter    string `json:"counter"`
	Kernel     uint64 `json:"kernel"`
	Attributed uint64 `json:"attributed"`
	Cookie     uint64 `json:"netns_cookie,omitempty"`
	NetnsName  string `json:"netns_name,omitempty"`
	Why        string `json:"why,omitempty"`
	// Namespaces is of how many namespaces the row is the sum, if it is one.
	Namespaces int `json:"namespaces,omitempty"`
}

// newRows is nil for nil.
func newRows(of []stream.Row) []row {
	if of == nil {
		return nil
	}
	lines := []row{}
	for _, r := range of {
		lines = append(lines, row{r.Netns, r.Counter, r.Kernel, r.Attributed, r.Cookie, r.NetnsName, r.Why, r.Namespaces})
	}
	return lines
}

func rows(lines []row) []stream.Row {
	if lines == nil {
		return nil
	}
	of := []stream.Row{}
	for _, l := range lines {
		of = append(of, stream.Row{
			Netns: l.Netns, Cookie: l.Cookie, NetnsName: clip(l.NetnsName), Namespaces: l.Namespaces, Counter: clip(l.Counter),
			Kernel: l.Kernel, Attributed: l.Attributed, Why: clip(l.Why),
		})
	}
	return of
}
