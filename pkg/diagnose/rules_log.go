// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"strings"

	"github.com/synwatch/synwatch/pkg/survey"
)

var logRules = []Rule{{
	ID: "kernel-log", Scope: Log,
	When:  "the kernel's log of a saved tree tells of a SYN flood, a full table or missing memory, and no other finding is about that",
	Means: "clients were refused at that time, or may have been; the log does not say how many",
	Find:  logAlone,
}}

// logWords are an event in words, and the findings that it belongs to.
var logWords = map[survey.LogKind]struct {
	what     string
	findings []string
}{
	survey.LogSYNFlood: {"more SYNs than a listener's queue takes", []string{
		"accept-queue-full", "syn-cookies-off", "syn-cookies-in-use", "syn-cookies-failing", "listen-overflows", "listen-drops"}},
	survey.LogConntrackFull: {"a full connection tracking table", []string{"conntrack-full", "conntrack-drops", "conntrack-early-drops"}},
	survey.LogNeighbourFull: {"a full neighbour table", []string{"neighbour-table"}},
	survey.LogOrphans:       {"too many orphaned sockets", []string{"orphans"}},
	survey.LogTCPMemory:     {"no memory left for TCP's buffers", []string{"tcp-memory", "orphans"}},
	survey.LogTimeWaitFull:  {"too many sockets in TIME_WAIT", []string{"time-wait-full"}},
}

// logged gives what the kernel's log says as evidence to the finding that is about
// the same, and returns findings of the rest.
func logged(all []Facts, found []Finding) []Finding {
	var alone []Finding
	if len(all) == 0 {
		return nil
	}
	for i := range all[0].System.Log {
		e := &all[0].System.Log[i]
		if x := findingAbout(found, e); x != nil {
			x.Evidence = append(x.Evidence, logEvidence(e))
			continue
		}
		f := all[0]
		f.Event = e
		alone = append(alone, f.find(Log)...)
	}
	return alone
}

func findingAbout(found []Finding, e *survey.LogEvent) *Finding {
	for _, id := range logWords[e.Kind].findings {
		for i := range found {
			if x := &found[i]; x.ID == id && (id != "accept-queue-full" || strings.Contains(x.Title+" ", fmt.Sprintf("port %d ", e.Port))) {
				return x
			}
		}
	}
	return nil
}

func logEvidence(e *survey.LogEvent) Evidence {
	return Evidence{What: "in the kernel's log", Value: fmt.Sprint(e.Count), Where: "last, in " + e.File + ": " + e.Last}
}

// logAlone is a note, as a log goes far back, unless there are no counters that would
// tell how often it was.
func logAlone(f *Facts) *Finding {
	words, known := logWords[f.Event.Kind]
	if !known {
		return nil
	}
	x := &Finding{Severity: Note, Title: "the kernel's log tells of " + words.what, Evidence: []Evidence{logEvidence(f.Event)}}
	if !f.Space.Counted() {
		x.Severity = Warning
	}
	if f.Event.Port != 0 {
		x.Title += fmt.Sprintf(" on port %d", f.Event.Port)
	}
	if s := f.Event.Subject; s != "" && f.Event.Port == 0 {
		x.Title += " (" + s + ")"
	}
	x.Changes = []Change{do("compare its time with that of the trouble", "a log goes far back, and tells neither how many clients were refused nor whether they are now")}
	return x
}
