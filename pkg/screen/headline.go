// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/text"
)

var severityInks = map[diagnose.Severity]ink{diagnose.Critical: bad, diagnose.Warning: warning, diagnose.Note: bold}

// headline is the finding that matters most, in words, in at most so many lines. Where
// there is none it is what the chosen cause means.
func (m Model) headline(width, room int) []string {
	if room <= 0 {
		return nil
	}
	p := m.pen
	what, todo, how := m.verdict()
	var lines []string
	if room >= 3 {
		lines = []string{p.rule(m.verdictHeading(), width)}
	}
	put := func(i ink, words string, most int) {
		wrapped := text.Wrap(words, max(width-2, 10))
		for n, line := range wrapped[:min(len(wrapped), most)] {
			if n == most-1 && len(wrapped) > most {
				line += " …"
			}
			lines = append(lines, " "+p.left(i, line, width-1))
		}
	}
	put(how, what, min(room-len(lines), 2))
	if todo != "" && len(lines) < room {
		put(plain, "→ "+todo, room-len(lines))
	}
	return exactly(room, lines)
}

func (m Model) verdictHeading() string {
	n := 0
	if m.look.snapshot != nil {
		n = len(m.look.snapshot.Findings)
	}
	if n == 0 {
		return "in words"
	}
	return fmt.Sprintf("what matters most (f: %s)", text.Count(n, "finding"))
}

// verdict is what is wrong, and what to do.
func (m Model) verdict() (what, todo string, i ink) {
	if s := m.look.snapshot; s != nil && len(s.Findings) > 0 {
		f := &s.Findings[0]
		return fmt.Sprintf("%s: %s", f.Severity, f.Title), changeWords(f), severityInks[f.Severity]
	}
	c := m.chosenCause()
	if c == nil {
		return "No packet was refused or dropped so far.", "", good
	}
	return c.Cause.ID + ": " + c.Cause.Meaning, c.Cause.Fix, plain
}

func changeWords(f *diagnose.Finding) string {
	if len(f.Changes) == 0 {
		return f.Means
	}
	c := &f.Changes[0]
	what := c.Do
	if c.Sysctl != "" {
		what = c.Sysctl + " = " + c.Value
	}
	if c.Basis == diagnose.Assumed {
		return c.If + " If so: " + what
	}
	return what
}
