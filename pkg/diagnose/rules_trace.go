// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"time"

	"github.com/synwatch/synwatch/pkg/text"
)

// A flood is known by its many sources that try once or twice: a client that
// gets no answer tries seven times.
const (
	floodSources = 1000
	floodTries   = 3
)

var traceRules = []Rule{
	{
		ID: "traced-accept-queue-full", Scope: Trace, Causes: []string{"accept-queue-full"}, Needs: NeedsWaiting,
		When:  "drops of accept-queue-full were traced",
		Means: "clients' connect() hangs for 1, 3, 7 ... s; some believe themselves connected and get no answer",
		Find:  tracedAcceptQueue,
	},
	{
		ID: "traced-syn-queue", Scope: Trace, Causes: []string{"syn-queue-full", "syn-backlog-reserved", "syn-cookie-sent"},
		When:  "drops of syn-queue-full or syn-backlog-reserved, or notices of syn-cookie-sent, were traced",
		Means: "with cookies off clients' connect() hangs; with cookies they get through, some of them slower",
		Find:  tracedSynQueue,
	},
	{
		ID: "traced-cookies-invalid", Scope: Trace, Causes: []string{"syn-cookie-invalid"},
		When:  "drops of syn-cookie-invalid were traced",
		Means: "clients that believed themselves connected read \"connection reset by peer\"",
		Find:  tracedCookies,
	},
	{
		ID: "traced-conntrack-full", Scope: Trace, Causes: []string{"conntrack-table-full"}, Needs: NeedsTable,
		When:  "drops of conntrack-table-full were traced",
		Means: conntrackMeans,
		Find:  tracedConntrack,
	},
	{
		ID: "traced-timestamps", Scope: Trace, Causes: []string{"paws-established", "paws-time-wait", "paws-handshake"},
		When:  "drops of paws-established, paws-time-wait or paws-handshake were traced",
		Means: "connect() hangs or a connection stalls for machines that share an address behind a NAT and whose clocks of TCP timestamps are behind another's",
		Find:  tracedTimestamps,
	},
	{
		ID: "traced-reverse-path", Scope: Trace, Causes: []string{"reverse-path-filter"},
		When:  "drops of reverse-path-filter were traced",
		Means: "clients whose packets arrive on another interface than the route back to them uses get no answer at all",
		Find:  tracedReversePath,
	},
}

// rate is in words.
func rate(n uint64, d time.Duration) string {
	if d <= 0 {
		return ""
	}
	perSecond := float64(n) / d.Seconds()
	if perSecond < 10 {
		return fmt.Sprintf("%.1f a second", perSecond)
	}
	return fmt.Sprintf("%.0f a second", perSecond)
}

// tallyEvidence is what every finding of a trace rests on.
func (t *Tally) tallyEvidence() []Evidence {
	what := t.Cause.ID
	found := []Evidence{{What: what, Value: fmt.Sprint(t.Count), Where: rate(t.Count, t.Duration)}}
	if t.BySource != nil {
		found = append(found, value("sources", uint64(len(t.BySource))))
	}
	if r := Covering(t.BySource, t.Count); r != nil {
		found = append(found, Evidence{What: "from " + r.Prefix.String(), Value: fmt.Sprint(r.Count), Where: fmt.Sprintf("%s, %s", percent(r.Count, t.Count), text.Count(r.Sources, "source"))})
	} else if addr, n := t.topSource(); n > 0 {
		found = append(found, Evidence{What: "from " + addr, Value: fmt.Sprint(n), Where: percent(n, t.Count)})
	}
	if t.Accepted != nil && !t.passes() {
		found = append(found, Evidence{What: "connections accepted meanwhile", Value: fmt.Sprint(*t.Accepted), Where: rate(*t.Accepted, t.Duration) + ", on all ports"})
	}
	return found
}

// topSource is the client that has four fifths of it alone, if one has.
func (t *Tally) topSource() (string, uint64) {
	for addr, n := range t.BySource {
		if most(n, t.Count) && addr.IsValid() {
			return addr.String(), n
		}
	}
	return "", 0
}

// mostlyFrom is the range or the client that has most of it, empty for none.
func (t *Tally) mostlyFrom() string {
	if r := Covering(t.BySource, t.Count); r != nil {
		return r.Prefix.String()
	}
	addr, _ := t.topSource()
	return addr
}

// floods says whether so many sources try once or twice each that these are no
// clients that wait.
func (t *Tally) floods() bool {
	n := uint64(len(t.BySource))
	return n >= floodSources && t.Count < n*floodTries
}
