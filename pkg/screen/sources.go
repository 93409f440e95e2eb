// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/text"
)

// addressWidth is that of the longest IPv6 address with its prefix.
const addressWidth = 43

// sourcePanel lists who the chosen cause met.
func (m Model) sourcePanel(width, room int) []string {
	c := m.chosenCause()
	if room <= 0 {
		return nil
	}
	if c == nil {
		return exactly(room, nil)
	}
	p := m.pen
	lines := []string{p.rule(sourcesHeading(c), width)}
	rows := m.sourceRows()
	from, to := m.sources.window(room - 1)
	for i := from; i < to; i++ {
		key := m.sources.keys[i]
		at := slices.IndexFunc(rows, func(r sourceRow) bool { return r.prefix == key })
		if at < 0 {
			continue
		}
		lines = append(lines, p.row(m.depth == ofCause && i == m.sources.at, m.sourceRow(rows[at], c.Count, width), width))
	}
	return lines
}

// sourcesHeading says how many there are, and which network most are from.
func sourcesHeading(c *state.Cause) string {
	words := fmt.Sprintf("%s: %s from %s", c.Cause.ID, number(c.Count, 12), text.Count(c.NumSources, "source"))
	if r := c.Range; r != nil {
		words += fmt.Sprintf(", %s from %s", percent(r.Count, c.Count), r.Prefix)
	}
	return words
}

func (m Model) sourceRow(r sourceRow, all uint64, width int) string {
	p := m.pen
	const counts = totalWidth + 6
	name := min(addressWidth, max(width-1-counts, 10))
	row := p.left(plain, r.words(), name) + p.right(plain, number(r.count, totalWidth-1), totalWidth) + p.right(plain, percent(r.count, all), 5)
	room := width - 1 - name - counts - 1
	if room >= 8 {
		row += "  " + p.put(warning, bar(r.count, all, min(room-2, 24)))
		room -= min(room-2, 24) + 2
	}
	if what := text.Count(r.sources, "source"); r.sources > 0 && room > len(what)+2 {
		row += "  " + p.put(plain, what)
	}
	return row
}

// words are an address, or a network.
func (r sourceRow) words() string {
	switch {
	case !r.prefix.IsValid():
		return "unknown"
	case r.prefix.IsSingleIP():
		return r.prefix.Addr().String()
	}
	return r.prefix.String()
}

// trail is how the user came here.
func (m Model) trail(width int) string {
	c, _ := m.causes.current()
	words := c.ID
	if m.depth >= ofSource {
		key, _ := m.sources.current()
		words += " › " + sourceRow{prefix: key}.words()
	}
	if m.depth >= ofDestination {
		key, _ := m.destinations.current()
		words += " › " + m.nameOf(key)
	}
	return m.pen.put(faint, "Esc ← ") + m.pen.left(bold, words, width-6)
}

// portWords is a destination by address and port.
func (k destinationKey) portWords() string {
	switch {
	case k.proto != 0 && !k.proto.HasPorts() && k.addr.IsValid():
		return k.addr.String()
	case k.addr.IsValid():
		return netip.AddrPortFrom(k.addr, k.port).String()
	}
	return fmt.Sprintf(":%d", k.port)
}

// wayWord is empty for what came to this host.
func wayWord(d event.Direction) string {
	if d == event.In {
		return ""
	}
	return map[event.Direction]string{event.Forward: "forwarded", event.Out: "out"}[d]
}
