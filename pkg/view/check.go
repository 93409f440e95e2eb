// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/ndjson"
	"github.com/synwatch/synwatch/pkg/survey"
	"github.com/synwatch/synwatch/pkg/text"
)

// Dropin is the file of sysctls that is read last of its directory.
const Dropin = "/etc/sysctl.d/zz-synwatch.conf"

// Check is the result of synwatch check.
type Check struct {
	Time     time.Time
	Version  string
	Snapshot *survey.Snapshot
	// Window is the time over which counters were watched, 0 for since boot.
	Window   time.Duration
	Findings []diagnose.Finding
	// Settings are the sysctls to be set for good.
	Settings []diagnose.Setting
}

func (c *Check) number(of diagnose.Severity) int {
	n := 0
	for _, x := range c.Findings {
		if x.Severity == of {
			n++
		}
	}
	return n
}

// own is the network namespace that needs no name.
func (c *Check) own() uint32 {
	for _, s := range c.Snapshot.Spaces {
		if s.Own {
			return s.Netns.Inode
		}
	}
	return 0
}

// Inner says whether the process's own network namespace is not the machine's first.
func (c *Check) Inner() bool {
	return slices.ContainsFunc(c.Snapshot.Spaces, func(s survey.Space) bool { return s.Own && s.Inner })
}

// Text writes the findings as text.
func (c *Check) Text(w io.Writer, palette text.Palette) error {
	p := text.NewPage(palette)
	p.Paragraph(text.Part{}, text.Bold.Of(c.title()))
	for i := range c.Findings {
		p.Blank()
		Finding(p, &c.Findings[i], c.own())
	}
	c.dropin(p)
	p.Blank()
	p.Paragraph(text.Part{}, text.Plain.Of(c.conclusion()))
	for _, what := range c.Snapshot.Unread {
		p.Paragraph(text.Plain.Of("Not read: "), text.Plain.Of(what))
	}
	_, err := p.WriteTo(w)
	return err
}

func (c *Check) title() string {
	sys := &c.Snapshot.System
	parts := []string{text.Join(", ", sys.Name, text.Prefixed("kernel ", sys.Kernel))}
	if !sys.Saved {
		parts = append(parts, text.Count(len(c.Snapshot.Spaces), "network namespace"))
	}
	switch {
	case c.Window > 0:
		parts = append(parts, "counters of the last "+text.Duration(c.Window))
	case sys.Saved && sys.Tree != "":
		parts = append(parts, "the saved tree "+sys.Tree)
	case sys.Saved:
		parts = append(parts, "a saved tree")
	default:
		parts = append(parts, "counters since boot")
	}
	return text.Join("; ", parts...)
}

// dropin lists the lines of the drop-in file.
func (c *Check) dropin(p *text.Page) {
	if len(c.Settings) == 0 {
		return
	}
	p.Blank()
	p.Line(text.Bold.Of("For good, as lines of " + Dropin + " (--write-dropin writes them):"))
	for _, s := range c.Settings {
		p.Linef("%s%s = %s", text.Indent, s.Sysctl, s.Value)
	}
}

func (c *Check) conclusion() string {
	critical, warnings, notes := c.number(diagnose.Critical), c.number(diagnose.Warning), c.number(diagnose.Note)
	if critical+warnings == 0 {
		return c.nothingWrong(notes)
	}
	conclusion := fmt.Sprintf("%d critical, %s, %s.", critical, text.Count(warnings, "warning"), text.Count(notes, "note"))
	switch {
	case c.Snapshot.System.Saved:
		conclusion += " What it says of synwatch trace needs Linux 5.8 or newer on that machine."
	case c.Window == 0:
		conclusion += " Totals may be old: --since 10s looks only at what happens now."
	}
	return conclusion
}

// nothingWrong is the conclusion when nothing needs a change. What was not read
// follows it.
func (c *Check) nothingWrong(notes int) string {
	also := ""
	if notes > 0 {
		also = "; " + text.Count(notes, "note")
	}
	switch unread := len(c.Snapshot.Unread); {
	case !c.Snapshot.Counted():
		return "Whether anything is wrong is not known, as the kernel's counters were not read" + also + "."
	case unread == 1:
		return "Nothing is wrong in what was read" + also + "; 1 thing was not read."
	case unread > 1:
		return fmt.Sprintf("Nothing is wrong in what was read%s; %d things were not read.", also, unread)
	}
	return "Nothing is wrong, as far as could be read" + also + "."
}

// JSON writes an object of type "finding" for each, the worst first, and one of
// type "check" at the end.
func (c *Check) JSON(w io.Writer) error {
	lines := ndjson.NewWriter(w)
	for i := range c.Findings {
		if err := lines.Write(struct {
			Type string `json:"type"`
			*diagnose.Finding
		}{"finding", &c.Findings[i]}); err != nil {
			return err
		}
	}
	sys := &c.Snapshot.System
	return lines.Write(struct {
		Type     string             `json:"type"`
		Schema   int                `json:"schema"`
		Time     string             `json:"time"`
		Version  string             `json:"version"`
		Host     string             `json:"host"`
		Kernel   string             `json:"kernel"`
		Window   float64            `json:"window_s,omitempty"`
		Saved    bool               `json:"saved,omitempty"`
		Tree     string             `json:"tree,omitempty"`
		Netns    int                `json:"namespaces"`
		Critical int                `json:"critical"`
		Warnings int                `json:"warnings"`
		Notes    int                `json:"notes"`
		Settings []diagnose.Setting `json:"dropin"`
		Unread   []string           `json:"unread"`
		Counted  bool               `json:"counters_read"`
	}{"check", ndjson.Schema, ndjson.Time(c.Time), c.Version, sys.Name, sys.Kernel, ndjson.Seconds(c.Window), sys.Saved, sys.Tree,
		len(c.Snapshot.Spaces), c.number(diagnose.Critical), c.number(diagnose.Warning), c.number(diagnose.Note),
		ndjson.List(c.Settings), ndjson.List(c.Snapshot.Unread), c.Snapshot.Counted()})
}
