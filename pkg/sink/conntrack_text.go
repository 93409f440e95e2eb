// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/synwatch/synwatch/pkg/conntrack"
)

// nearlyFull is how much of the limit is too much, in percent.
const nearlyFull = 90

// conntrackText writes a report as text.
type conntrackText struct {
	strings.Builder
	*ConntrackReport
	palette Palette
}

// WriteConntrackText writes a report for people.
func WriteConntrackText(w io.Writer, r ConntrackReport, p Palette) error {
	t := &conntrackText{ConntrackReport: &r, palette: p}
	t.fullness()
	t.scope()
	if r.Summary.Entries > 0 {
		for _, s := range t.sections() {
			t.section(&s)
		}
		t.commands()
	}
	_, err := io.WriteString(w, t.String())
	return err
}

// fullness says how full the table is and what limits it.
func (t *conntrackText) fullness() {
	c := &t.Table
	name := t.Machine.Name
	if c.Enter != nil {
		name = fmt.Sprintf("network namespace %s", nonEmpty(printable(c.Name), fmt.Sprint(c.Netns)))
	}
	if c.Max == 0 {
		fmt.Fprintf(t, "%s\n", t.palette.paint(heading, fmt.Sprintf("The conntrack table of %s holds %d entries; it has no limit", name, c.Count)))
		return
	}
	line := fmt.Sprintf("The conntrack table of %s is %s full: %d of %d entries (nf_conntrack_max)",
		name, percent(uint64(c.Count), uint64(c.Max)), c.Count, c.Max)
	fmt.Fprintf(t, "%s\n", t.palette.paint(heading, line))
	switch {
	case c.Count >= c.Max:
		fmt.Fprintln(t, t.palette.paint(bad, wrap("No connection gets in that the table does not hold yet, unless an entry that nobody answered or that is not assured makes room. The kernel drops the others: \"nf_conntrack: table full, dropping packet\".", "")))
	case uint64(c.Count)*100 >= uint64(c.Max)*nearlyFull:
		fmt.Fprintln(t, t.palette.paint(bad, fmt.Sprintf("%d more connections, and the kernel drops new ones.", c.Max-c.Count)))
	}
	if c.Buckets > 0 && c.Count/c.Buckets >= 4 {
		fmt.Fprintln(t, wrap(fmt.Sprintf("Its %d buckets hold %.1f entries each: raise nf_conntrack_buckets, long chains cost time.",
			c.Buckets, float64(c.Count)/float64(c.Buckets)), ""))
	}
}

// scope says what of the table is shown, and what could not be read.
func (t *conntrackText) scope() {
	s := &t.Summary
	if s.Entries == 0 && s.Passed == 0 {
		fmt.Fprintln(t, wrap("There is nothing to show. Each network namespace has a table of its own (--netns), and connections are tracked only where a firewall rule or NAT asks for it.", ""))
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
	fmt.Fprintln(t, wrap(line, ""))
	if d := t.Dumped; d.Malformed > 0 || d.Interrupted {
		fmt.Fprintln(t, wrap(fmt.Sprintf("%d more could not be read. Was the dump interrupted, so that some are missing? %v.", d.Malformed, d.Interrupted), ""))
	}
	if s.Folded {
		fmt.Fprintln(t, wrap(fmt.Sprintf("More than %d addresses: those with few entries were counted by their network only, \"+N\" is what a line may lack.", conntrack.MaxAddresses), ""))
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
		words = append(words, count(uint64(more), "more zone"))
	}
	return strings.Join(words, ", ")
}

var sectionTitles = map[ConntrackBy]string{
	ByState: "By protocol and state", ByPrefix: "Prefixes of sources that hold the most", BySrc: "Sources",
	ByDst: "Destinations", ByDport: "Destination ports",
}

func (t *conntrackText) section(s *section) {
	fmt.Fprintf(t, "\n%s\n", t.palette.paint(heading, sectionTitles[s.by]))
	if len(s.groups) == 0 {
		what := "nothing"
		if s.by == ByPrefix && t.Summary.Entries > 0 {
			what = "no prefix stands out: none holds 1 %"
		}
		fmt.Fprintf(t, "%s%s\n", indent, what)
		return
	}
	t.table(s)
	if s.by == ByPrefix {
		t.elsewhere(s)
	} else if more := s.of - len(s.groups); more > 0 {
		fmt.Fprintf(t, "%sand %d more\n", indent, more)
	}
}

// elsewhere says what no prefix of those above holds.
func (t *conntrackText) elsewhere(s *section) {
	rest := t.Summary.Entries
	for _, g := range s.groups {
		rest -= min(rest, g.Own)
	}
	if more := s.of - len(s.groups); more > 0 {
		fmt.Fprintf(t, "%sand %d more\n", indent, more)
	}
	if rest > 0 {
		fmt.Fprintf(t, "%s%s (%s) elsewhere\n", indent, entries(rest), percent(rest, t.Summary.Entries))
	}
}

// table writes the groups: what they are at the left, numbers at the right.
func (t *conntrackText) table(s *section) {
	median := "MEDIAN " + strings.ToUpper(string(t.Summary.Since))
	header := map[ConntrackBy][]string{
		ByState:  {"STATE", "ENTRIES", "SHARE", "UNREPLIED", median},
		ByPrefix: {"PREFIX", "ENTRIES", "SHARE", "UNREPLIED", median, "SOURCES", "MOSTLY"},
		BySrc:    {"SOURCE", "ENTRIES", "SHARE", "UNREPLIED", median, "MOSTLY"},
		ByDst:    {"DESTINATION", "ENTRIES", "SHARE", "UNREPLIED", median, "MOSTLY"},
		ByDport:  {"PORT", "ENTRIES", "SHARE", "UNREPLIED"},
	}[s.by]
	cells := [][]string{header}
	for i := range s.groups {
		cells = append(cells, t.cells(s.by, &s.groups[i]))
	}
	w := widths(cells)
	for i, row := range cells {
		line := indent
		for column, cell := range row {
			gap := strings.Repeat(" ", w[column]-lipgloss.Width(cell))
			switch {
			case column == 0:
				line += cell + gap
			case header[column] == "MOSTLY":
				line += "  " + cell
			default:
				line += "  " + gap + cell
			}
		}
		if i == 0 {
			line = t.palette.paint(faint, line)
		}
		fmt.Fprintln(t, strings.TrimRight(line, " "))
	}
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
	fmt.Fprintf(t, "\n%s\n", t.palette.paint(heading, "To free them (nothing was done)"))
	for _, c := range commands {
		fmt.Fprintf(t, "%s%s\n", indent, c.Command)
		fmt.Fprintf(t, "%s%s%s\n", indent, indent, t.palette.paint(faint, "frees "+entries(c.Entries)))
	}
}
