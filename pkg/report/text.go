// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"

	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/sink"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/text"
)

const (
	// textRows is how many rows a table of text has, and textSources how many sources a
	// cause has.
	textRows    = 20
	textSources = 10
)

// Text writes the report as text.
func (r *Report) Text(w io.Writer, palette text.Palette) error {
	p := text.NewPage(palette)
	p.Paragraph(text.Part{}, text.Bold.Of(r.Title()))
	for _, x := range r.Headline() {
		p.Paragraph(text.Plain.Of(fmt.Sprintf("%s%-13s", text.Indent, x.Label+":")), text.Plain.Of(x.Words))
	}
	p.Blank()
	s := r.summary()
	sink.PutSummary(p, &s, 0)
	for _, t := range r.tables() {
		p.Blank()
		p.Line(text.Bold.Of(t.title))
		p.Table(t.asText(), text.Plain, t.cells())
		if t.more > 0 {
			p.Linef("%sand %d more", text.Indent, t.more)
		}
	}
	for _, line := range r.Unread() {
		p.Paragraph(text.Plain.Of("Not read: "), text.Plain.Of(line))
	}
	_, err := p.WriteTo(w)
	return err
}

// summary is the summary of a trace of all the captures: the same as the capture's own,
// if it is one that has ended.
func (r *Report) summary() stream.Summary {
	s := stream.Summary{
		Time: r.End, Duration: r.End.Sub(r.Begin), Drops: r.Drops, Notices: r.Notices,
		Lost: r.Lost, Unattributed: r.Unattributed, Missed: r.Missed, Merged: r.Merged, Unshown: r.Unshown,
	}
	for i := range r.Causes {
		s.Causes = append(s.Causes, r.Causes[i].total())
	}
	for _, row := range r.Reconcile {
		s.Reconcile = append(s.Reconcile, stream.Row{
			NetnsName: r.prefixed(row.Host, row.Netns), Counter: row.Counter, Kernel: row.Kernel, Attributed: row.Attributed, Why: row.Why,
		})
	}
	for i := range r.Findings {
		s.Findings = append(s.Findings, r.findingOf(&r.Findings[i]))
	}
	return s
}

// prefixed puts the host in front of what is on it, if there are several.
func (r *Report) prefixed(host, what string) string {
	if !r.Fleet() {
		return what
	}
	return text.Join(" ", host, what)
}

// findingOf is a finding that names its hosts, if there are several.
func (r *Report) findingOf(f *Finding) diagnose.Finding {
	x := f.Finding
	if r.Fleet() {
		x.Title += " (on " + hostsWords(f.Hosts) + ")"
	}
	return x
}

func (c *Cause) total() stream.CauseTotal {
	t := stream.CauseTotal{
		Cause: c.Cause, Count: c.Count, NumSources: c.NumSources, Others: c.Others, ByDirection: c.ByDirection, ByProto: c.ByProto,
	}
	for _, s := range c.Sources[:min(len(c.Sources), textSources)] {
		t.Sources = append(t.Sources, stream.SourceTotal{Src: s.Src, Count: s.Count})
	}
	if x := c.Range; x != nil {
		t.Range = &stream.RangeTotal{Prefix: x.Prefix, Count: x.Count, NumSources: x.NumSources}
	}
	return t
}
