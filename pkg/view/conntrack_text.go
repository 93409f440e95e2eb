// SPDX-License-Identifier: Apache-2.0

package view

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/text"
)

// nearlyFull is how much of the limit is too much, in percent.
const nearlyFull = 90

// conntrackText puts a report on a page.
type conntrackText struct {
	*text.Page
	*ConntrackReport
}

// Text writes a report as text.
func (r *ConntrackReport) Text(w io.Writer, palette text.Palette) error {
	t := &conntrackText{text.NewPage(palette), r}
	t.fullness()
	t.scope()
	if r.Summary.Entries > 0 {
		for _, s := range t.sections() {
			t.section(&s)
		}
		t.commands()
	}
	_, err := t.WriteTo(w)
	return err
}

// wrapped puts a text from the first column on.
func (t *conntrackText) wrapped(style text.Style, format string, args ...any) {
	t.Paragraph(text.Part{}, style.Of(fmt.Sprintf(format, args...)))
}

// fullness says how full the table is and what limits it.
func (t *conntrackText) fullness() {
	c := &t.ConntrackReport.Table
	name := t.Machine.Name
	if c.Enter != nil {
		name = "network namespace " + cmp.Or(c.Name, fmt.Sprint(c.Netns))
	}
	if c.Max == 0 {
		t.Line(text.Bold.Of(fmt.Sprintf("The conntrack table of %s holds %d entries; it has no limit", name, c.Count)))
		return
	}
	t.Line(text.Bold.Of(fmt.Sprintf("The conntrack table of %s is %s full: %d of %d entries (nf_conntrack_max)",
		name, percent(uint64(c.Count), uint64(c.Max)), c.Count, c.Max)))
	switch {
	case c.Count >= c.Max:
		t.wrapped(text.Red, "The kernel drops every packet of a connection that is not in the table yet (\"nf_conntrack: table full, dropping packet\"), unless it finds an entry without a reply, or one that is not assured, to evict.")
	case uint64(c.Count)*100 >= uint64(c.Max)*nearlyFull:
		t.Line(text.Red.Of(fmt.Sprintf("%d more connections, and the kernel drops new ones.", c.Max-c.Count)))
	}
	if c.Buckets > 0 && c.Count/c.Buckets >= 4 {
		t.wrapped(text.Plain, "Its %d buckets hold %.1f entries each: raise nf_conntrack_buckets, long chains cost time.",
			c.Buckets, float64(c.Count)/float64(c.Buckets))
	}
}

// scope says what of the table is shown, and what could not be read.
func (t *conntrackText) scope() {
	s := &t.Summary
	if s.Entries == 0 && s.Passed == 0 {
		t.wrapped(text.Plain, "There is no entry to show. Each network namespace has a table of its own (--netns), and the kernel tracks connections only where a firewall rule or NAT needs it.")
		return
	}
	line := fmt.Sprintf("%d read in %s: %d IPv4, %d IPv6, %s without a reply",
		s.Entries, t.Took.Round(time.Millisecond), s.Entries-s.IPv6, s.IPv6, percent(s.Unreplied, s.Entries))
	if s.Passed > 0 {
		line += fmt.Sprintf("; %d others were left out, as asked", s.Passed)
	}
	if zones := t.zones(); zones != "" {
		line += "; " + zones
	}
	t.wrapped(text.Plain, "%s", line)
	if n := t.Dumped.Malformed; n > 0 {
		t.wrapped(text.Plain, "%s could not be decoded.", text.Count(n, "more entry"))
	}
	if t.Dumped.Interrupted {
		t.wrapped(text.Plain, "The kernel changed the table while it was read: entries may be missing or counted twice.")
	}
	if s.Folded {
		t.wrapped(text.Plain, "More than %d addresses: those with few entries were counted by their network only, \"+N\" is how many entries a line may lack.", conntrack.MaxAddresses)
	}
}

// zones lists them where there is any but the default.
func (t *conntrackText) zones() string {
	zones := slices.Sorted(maps.Keys(t.Summary.Zones))
	if len(zones) == 0 || len(zones) == 1 && zones[0] == 0 {
		return ""
	}
	var words []string
	for _, z := range zones[:min(len(zones), t.Top)] {
		words = append(words, fmt.Sprintf("%d in zone %d", t.Summary.Zones[z], z))
	}
	if more := len(zones) - len(words); more > 0 {
		words = append(words, text.Count(more, "more zone"))
	}
	return strings.Join(words, ", ")
}

var sectionTitles = map[ConntrackBy]string{
	ByState: "By protocol and state", ByPrefix: "Prefixes of sources that hold the most", BySrc: "Sources",
	ByDst: "Destinations", ByDport: "Destination ports",
}

func (t *conntrackText) section(s *section) {
	t.Blank()
	t.Line(text.Bold.Of(sectionTitles[s.by]))
	if len(s.groups) == 0 {
		what := "nothing"
		if s.by == ByPrefix && t.Summary.Entries > 0 {
			what = "no prefix stands out: none holds 1 %"
		}
		t.Linef("%s%s", text.Indent, what)
		return
	}
	t.groups(s)
	if more := s.of - len(s.groups); more > 0 {
		t.Linef("%sand %d more", text.Indent, more)
	}
	if s.by == ByPrefix {
		t.elsewhere(s)
	}
}

// elsewhere says what no prefix of those above holds.
func (t *conntrackText) elsewhere(s *section) {
	rest := t.Summary.Entries
	for _, g := range s.groups {
		rest -= min(rest, g.Own)
	}
	if rest > 0 {
		t.Linef("%s%s (%s) elsewhere", text.Indent, text.Count(rest, "entry"), percent(rest, t.Summary.Entries))
	}
}

// groups puts what they are at the left, numbers at the right.
func (t *conntrackText) groups(s *section) {
	right := func(title string) text.Column { return text.Column{Title: title, Right: true} }
	median := right("MEDIAN " + strings.ToUpper(string(t.Summary.Since)))
	mostly := text.Column{Title: "MOSTLY"}
	numbers := []text.Column{right("ENTRIES"), right("SHARE"), right("UNREPLIED")}
	columns := func(title string, more ...text.Column) []text.Column {
		return slices.Concat([]text.Column{{Title: title}}, numbers, more)
	}
	table := text.Table{Indent: text.Indent, Columns: map[ConntrackBy][]text.Column{
		ByState:  columns("STATE", median),
		ByPrefix: columns("PREFIX", median, right("SOURCES"), mostly),
		BySrc:    columns("SOURCE", median, mostly),
		ByDst:    columns("DESTINATION", median, mostly),
		ByDport:  columns("PORT"),
	}[s.by]}
	var rows [][]text.Part
	for i := range s.groups {
		var row []text.Part
		for _, cell := range t.cells(s.by, &s.groups[i]) {
			row = append(row, text.Plain.Of(cell))
		}
		rows = append(rows, row)
	}
	t.Page.Table(&table, text.Faint, rows)
}

func (t *conntrackText) cells(by ConntrackBy, g *conntrack.Group) []string {
	number := fmt.Sprint(g.Entries)
	if g.Missing > 0 {
		number += fmt.Sprintf("+%d", g.Missing)
	}
	numbers := []string{number, percent(g.Entries, t.Summary.Entries), percent(g.Unreplied, g.Entries)}
	mostly := g.Mostly.String()
	if g.MostlyEntries < g.Entries {
		mostly += " " + percent(g.MostlyEntries, g.Entries)
	}
	row := func(what string, more ...string) []string { return append(append([]string{what}, numbers...), more...) }
	switch by {
	case ByState:
		return row(g.Kind.String(), medianWord(g))
	case ByPrefix:
		if g.Own < g.Entries {
			mostly += fmt.Sprintf("; %s besides the narrower", percent(g.Own, t.Summary.Entries))
		}
		return row(g.Prefix.String(), medianWord(g), fmt.Sprint(g.Addresses), mostly)
	case ByDport:
		return row(fmt.Sprintf("%s %d", conntrack.Kind{Proto: g.Port.Proto}.Protocol(), g.Port.Port))
	}
	return row(g.Prefix.Addr().String(), medianWord(g), mostly)
}

// commands says how to free what was found.
func (t *conntrackText) commands() {
	commands := t.free()
	if len(commands) == 0 {
		return
	}
	t.Blank()
	t.Line(text.Bold.Of("To free them (nothing was done)"))
	for _, c := range commands {
		t.Linef("%s%s", text.Indent, c.Command)
		t.Line(text.Plain.Of(text.Indent+text.Indent), text.Faint.Of("frees "+text.Count(c.Entries, "entry")))
	}
}
