// SPDX-License-Identifier: Apache-2.0

package report

import (
	"unicode/utf8"

	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/shell"
	"github.com/synwatch/synwatch/pkg/text"
)

// How long, in bytes, what a capture says may be.
const (
	maxName    = 80
	maxWords   = 300
	maxText    = 1000
	maxCommand = 500
	// maxParts is how many pieces of evidence and changes a finding has.
	maxParts = 20
)

// clean makes a text printable and cuts it.
func clean(s string, most int) string {
	whole := len(s) <= most
	if !whole {
		s = cut(s, most)
	}
	if s = text.Printable(s); len(s) > most {
		s, whole = cut(s, most), false
	}
	if !whole {
		s += "…"
	}
	return s
}

// cut leaves no part of a character at the end.
func cut(s string, most int) string {
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

func cleanFinding(f diagnose.Finding) diagnose.Finding {
	f.ID, f.Cause = clean(f.ID, maxName), clean(f.Cause, maxName)
	f.Title, f.Means, f.NetnsName = clean(f.Title, maxWords), clean(f.Means, maxText), clean(f.NetnsName, maxName)
	evidence := make([]diagnose.Evidence, 0, len(f.Evidence))
	for _, e := range f.Evidence[:min(len(f.Evidence), maxParts)] {
		evidence = append(evidence, diagnose.Evidence{What: clean(e.What, maxWords), Value: clean(e.Value, maxName), Where: clean(e.Where, maxWords)})
	}
	changes := make([]diagnose.Change, 0, len(f.Changes))
	for _, c := range f.Changes[:min(len(f.Changes), maxParts)] {
		changes = append(changes, cleanChange(c))
	}
	f.Evidence, f.Changes = evidence, changes
	return f
}

// cleanChange leaves a command as it is, which is printable, or leaves it out: a part of
// a command would be another command.
func cleanChange(c diagnose.Change) diagnose.Change {
	c.Do, c.If, c.Why = clean(c.Do, maxText), clean(c.If, maxText), clean(c.Why, maxText)
	c.Sysctl, c.Value = clean(c.Sysctl, maxName), clean(c.Value, maxName)
	if len(c.Command.String()) > maxCommand {
		c.Command = shell.Command{}
	}
	return c
}
