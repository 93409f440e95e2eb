// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/state"
)

// New makes a report of captures.
func New(made time.Time, version string, captures []Capture) *Report {
	m := merger{
		report: Report{Made: made, Version: clean(version, maxName)},
		causes: map[string]*Cause{}, sources: map[sourceKey]*Source{}, queues: map[queueKey]int{}, rows: map[rowKey]int{}, drops: map[hostCause]uint64{},
	}
	for i := range captures {
		m.add(&captures[i])
	}
	return m.finish(captures)
}

// merger adds captures up.
type merger struct {
	report  Report
	causes  map[string]*Cause // by ID: readers of several captures give a cause that is unknown here a row each
	sources map[sourceKey]*Source
	// Where each is in the report.
	queues map[queueKey]int
	rows   map[rowKey]int
	// drops are those of each cause on each host.
	drops map[hostCause]uint64
}

func (m *merger) add(c *Capture) {
	s, r := c.Snapshot, &m.report
	host := clean(cmp.Or(s.Start.Machine.Name, c.File), maxName)
	begin := s.Start.Time
	if begin.IsZero() {
		begin = s.Time.Add(-s.Duration)
	}
	if !slices.Contains(r.Hosts, host) {
		r.Hosts = append(r.Hosts, host)
	}
	if r.Begin.IsZero() || begin.Before(r.Begin) {
		r.Begin = begin
	}
	if s.Time.After(r.End) {
		r.End = s.Time
	}
	r.Captures = append(r.Captures, CaptureRow{
		File: fileWord(c.File), Host: host, Kernel: clean(s.Start.Machine.Kernel, maxName), Version: clean(s.Start.Version, maxName),
		Begin: begin, End: s.Time, Drops: s.Drops, Skipped: c.Skipped, Growing: c.Growing, Ended: s.Summary != nil,
	})
	r.Drops += s.Drops
	r.Notices += s.Notices
	r.Merged += s.Merged
	r.Lost += s.Losses.Lost
	r.Unattributed += s.Losses.Unattributed
	r.Missed += s.Losses.Missed
	if s.Summary != nil {
		r.Unshown += s.Summary.Unshown
	}
	for i := range s.Causes {
		m.addCause(host, &s.Causes[i])
	}
	m.addPlaces(host, s)
	m.addRest(host, s)
}

func (m *merger) addCause(host string, c *state.Cause) {
	to := m.causes[c.Cause.ID]
	if to == nil {
		to = &Cause{Cause: c.Cause, ByDirection: map[event.Direction]uint64{}, ByProto: map[event.Proto]uint64{}, First: c.First, bySource: map[sourceKey]int{}}
		m.causes[c.Cause.ID] = to
	}
	to.Count += c.Count
	m.drops[hostCause{host, c.Cause.ID}] += c.Count
	to.NumSources += c.NumSources
	to.Others += c.Others
	add(to.ByDirection, c.ByDirection)
	add(to.ByProto, c.ByProto)
	if c.First.Before(to.First) {
		to.First = c.First
	}
	if c.Last.After(to.Last) {
		to.Last = c.Last
	}
	for _, s := range c.Sources {
		m.addSource(host, to, s)
	}
	if c.Range == nil {
		return
	}
	found := Range{host, to.Cause, c.Range.Prefix, c.Range.Count, c.Count, c.Range.NumSources}
	m.report.Ranges = append(m.report.Ranges, found)
	if to.Range == nil || to.Range.Count < found.Count {
		to.Range = &found
	}
}

func add[K comparable](to, from map[K]uint64) {
	for k, n := range from {
		to[k] += n
	}
}

// finish puts what counts most first.
func (m *merger) finish(captures []Capture) *Report {
	r := &m.report
	for _, c := range slices.Collect(maps.Values(m.causes)) {
		slices.SortStableFunc(c.Sources, func(a, b CauseSource) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), a.Src.Compare(b.Src), cmp.Compare(a.Host, b.Host))
		})
		r.Causes = append(r.Causes, *c)
	}
	slices.SortFunc(r.Causes, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(b.Count, a.Count), cmp.Compare(a.ID, b.ID))
	})
	for _, s := range m.sources {
		r.Sources = append(r.Sources, *s)
	}
	slices.SortFunc(r.Sources, func(a, b Source) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), a.Src.Compare(b.Src), cmp.Compare(a.Host, b.Host))
	})
	sortRows(r)
	m.sortFindings()
	r.Timeline = mergeTimelines(captures)
	return r
}

func sortRows(r *Report) {
	slices.SortStableFunc(r.Ranges, func(a, b Range) int { return cmp.Compare(b.Count, a.Count) })
	slices.SortStableFunc(r.Places, func(a, b Place) int { return cmp.Compare(b.Count, a.Count) })
	slices.SortStableFunc(r.Queues, func(a, b Queue) int { return cmp.Compare(fill(b.Used, b.Max), fill(a.Used, a.Max)) })
	slices.SortStableFunc(r.Tables, func(a, b Table) int { return cmp.Compare(fill(b.Used, b.Max), fill(a.Used, a.Max)) })
	differ := func(r *Row) int {
		if r.Equal() {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(r.Reconcile, func(a, b Row) int { return cmp.Compare(differ(&a), differ(&b)) })
}

type hostCause struct{ host, cause string }

// sortFindings puts the worst first. Of a fleet those count most that most drops are behind;
// of one host they are in their order.
func (m *merger) sortFindings() {
	behind := func(f *Finding) (drops uint64) {
		for _, host := range f.Hosts {
			drops += m.drops[hostCause{host, f.Cause}]
		}
		return drops
	}
	fleet := m.report.Fleet()
	slices.SortStableFunc(m.report.Findings, func(a, b Finding) int {
		worse := cmp.Compare(b.Severity, a.Severity)
		if fleet {
			return cmp.Or(worse, cmp.Compare(behind(&b), behind(&a)))
		}
		return worse
	})
}

// fill is the part of a limit that is used; there may be no limit.
func fill(used, limit uint32) float64 {
	if limit == 0 {
		return 0
	}
	return float64(used) / float64(limit)
}

// netnsWord names a network namespace, empty for the machine's own.
func netnsWord(inode uint32, name string, own uint32) string {
	switch {
	case inode == own:
		return ""
	case name != "":
		return clean(name, maxName)
	}
	return fmt.Sprint(inode)
}
