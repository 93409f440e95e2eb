// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/survey"
)

// Dropin is the file of sysctls that is read last of its directory.
const Dropin = "/etc/sysctl.d/zz-synwatch.conf"

// Checked is what synwatch check comes to.
type Checked struct {
	Time     time.Time
	Version  string
	Snapshot *survey.Snapshot
	// Window is the time over which counters were watched, 0 for since boot.
	Window   time.Duration
	Findings []diagnose.Finding
	// Settings are the sysctls to be set for good.
	Settings []diagnose.Setting
}

func (c *Checked) number(of diagnose.Severity) int {
	n := 0
	for _, x := range c.Findings {
		if x.Severity == of {
			n++
		}
	}
	return n
}

// own is the network namespace that needs no name.
func (c *Checked) own() uint32 {
	for _, s := range c.Snapshot.Spaces {
		if s.Own {
			return s.Netns.Inode
		}
	}
	return 0
}

// Check writes the findings for people, and what to make of them.
func (p Palette) Check(w io.Writer, c *Checked) error {
	var b strings.Builder
	fmt.Fprintln(&b, p.paint(heading, wrap(c.title(), "")))
	for i := range c.Findings {
		b.WriteByte('\n')
		p.Finding(&b, &c.Findings[i], c.own())
	}
	p.forGood(&b, c)
	fmt.Fprintf(&b, "\n%s\n", wrap(c.conclusion(), ""))
	for _, what := range c.Snapshot.Unread {
		fmt.Fprintf(&b, "%s\n", wrap("Not read: "+printable(what), indent))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (c *Checked) title() string {
	sys := &c.Snapshot.System
	parts := []string{joinNonEmpty(", ", printable(sys.Name), prefixed("kernel ", printable(sys.Kernel)))}
	if !sys.Saved {
		parts = append(parts, count(uint64(len(c.Snapshot.Spaces)), "network namespace"))
	}
	switch {
	case c.Window > 0:
		parts = append(parts, "counters of the last "+duration(c.Window))
	case sys.Saved:
		parts = append(parts, "a saved tree")
	default:
		parts = append(parts, "counters since boot")
	}
	return joinNonEmpty("; ", parts...)
}

// forGood lists the lines of the drop-in file.
func (p Palette) forGood(b *strings.Builder, c *Checked) {
	if len(c.Settings) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", p.paint(heading, "For good, as lines of "+Dropin+" (--write-dropin writes them):"))
	for _, s := range c.Settings {
		fmt.Fprintf(b, "%s%s = %s\n", indent, printable(s.Sysctl), printable(s.Value))
	}
}

func (c *Checked) conclusion() string {
	critical, warnings, notes := c.number(diagnose.Critical), c.number(diagnose.Warning), c.number(diagnose.Note)
	switch {
	case critical+warnings+notes == 0:
		return "Nothing is wrong, as far as could be read."
	case critical+warnings == 0:
		return fmt.Sprintf("Nothing is wrong, as far as could be read; %s.", count(uint64(notes), "note"))
	}
	text := fmt.Sprintf("%d critical, %s, %s.", critical, count(uint64(warnings), "warning"), count(uint64(notes), "note"))
	switch {
	case c.Snapshot.System.Saved:
		text += " What it says of synwatch trace needs Linux 5.8 or newer on that machine."
	case c.Window == 0:
		text += " Totals may be old: --since 10s looks only at what happens now."
	}
	return text
}

// CheckJSON writes an object of type "finding" for each, the worst first, and one
// of type "check" at the end.
func CheckJSON(w io.Writer, c *Checked) error {
	enc := newEncoder(w)
	for i := range c.Findings {
		if err := enc.Encode(struct {
			Type string `json:"type"`
			*diagnose.Finding
		}{"finding", &c.Findings[i]}); err != nil {
			return err
		}
	}
	sys := &c.Snapshot.System
	return enc.Encode(struct {
		Type     string             `json:"type"`
		Schema   int                `json:"schema"`
		Time     string             `json:"time"`
		Version  string             `json:"version"`
		Host     string             `json:"host"`
		Kernel   string             `json:"kernel"`
		Window   float64            `json:"window_s,omitempty"`
		Saved    bool               `json:"saved,omitempty"`
		Netns    int                `json:"namespaces"`
		Critical int                `json:"critical"`
		Warnings int                `json:"warnings"`
		Notes    int                `json:"notes"`
		Settings []diagnose.Setting `json:"dropin"`
		Unread   []string           `json:"unread"`
	}{"check", Schema, utc(c.Time), c.Version, sys.Name, sys.Kernel, seconds(c.Window), sys.Saved,
		len(c.Snapshot.Spaces), c.number(diagnose.Critical), c.number(diagnose.Warning), c.number(diagnose.Note),
		list(c.Settings), list(c.Snapshot.Unread)})
}
