// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"fmt"
	"time"

	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
)

// header is what is always in sight: the rate, what was lost, and, where there is room,
// where and when, and how full connection tracking is.
func (m Model) header() []string {
	s := m.look.snapshot
	if s == nil {
		s = &state.Snapshot{}
	}
	switch {
	case m.height < 8:
		return []string{m.sides(m.rateWords(s), m.lossWords(s))}
	case m.height < 16 || m.width < 60:
		return []string{m.sides(m.rateWords(s), m.modeWords(s)), m.sides(m.lossWords(s), m.tableWords(s))}
	}
	return []string{m.sides(m.machineWords(s), m.modeWords(s)), m.sides(m.rateWords(s), m.lossWords(s)), m.sides(m.tableWords(s), m.filterNote())}
}

// sides puts two texts at the two ends of a line. Where there is no room for both the
// left one is cut.
func (m Model) sides(left, right string) string {
	w := columns(right)
	if w == 0 {
		return left
	}
	return fit(left, max(m.width-w-1, 0)) + " " + right
}

func (m Model) machineWords(s *state.Snapshot) string {
	p := m.pen
	return p.put(bold, "synwatch top") + "  " + p.put(plain, s.Start.Machine.Name) + "  " + p.put(faint, s.Start.Machine.Kernel)
}

// modeWords say whether what is shown is now.
func (m Model) modeWords(s *state.Snapshot) string {
	p := m.pen
	mode := p.put(good, "LIVE")
	switch {
	case m.replay && m.look.played.ended:
		mode = p.put(bold, "END")
	case m.replay && m.look.played.behind:
		mode = p.put(warning, "READING")
	case m.frozen:
		mode = p.put(warning, "PAUSED")
	case m.replay && m.look.played.newest:
		mode = p.put(bold, "NEWEST")
	case m.replay:
		mode = p.put(bold, "REPLAY "+speedWord(m.look.played.speed))
	case m.ended:
		mode = p.put(bold, "ENDED")
	}
	now := ""
	if !s.Time.IsZero() && m.width >= 60 {
		now = s.Time.Local().Format("15:04:05") + "  "
	}
	return p.put(faint, now) + mode + p.put(faint, " "+clock(s.Duration))
}

// rateWords are the drops a second with those of the last minute, and their total.
func (m Model) rateWords(s *state.Snapshot) string {
	p := m.pen
	ink := bold
	perSecond := pace(s.Recent, s.Time, s.Duration)
	if perSecond > 0 {
		ink = bad
	}
	line := p.put(ink, rate(perSecond, 9)+" drops/s")
	room := m.width/3 - 4
	if room >= 10 {
		line += " " + p.put(warning, sparkline(s.Recent, min(room, minute)))
	}
	return line + "  " + p.put(bold, number(s.Drops, 11)) + p.put(plain, " in all")
}

// lossWords say what the counts do not hold, also if that is nothing.
func (m Model) lossWords(s *state.Snapshot) string {
	words := m.lossWord("lost", s.Losses.Lost) + "  " + m.lossWord("unattributed", s.Losses.Unattributed)
	if s.Losses.Missed > 0 && m.width >= wide {
		words += "  " + m.lossWord("hook calls missed", s.Losses.Missed)
	}
	return words
}

func (m Model) lossWord(what string, n uint64) string {
	ink := plain
	if n > 0 {
		ink = bad
	}
	return m.pen.put(ink, what+" "+number(n, 7))
}

// tableWords are how full the fullest connection tracking table is.
func (m Model) tableWords(s *state.Snapshot) string {
	p := m.pen
	t := fullest(tablesOf(s))
	switch {
	case t == nil && m.width < 60:
		return ""
	case t == nil:
		return p.put(faint, "conntrack: not in use, or not known yet")
	case m.width < 60:
		return p.put(fillInk(t), "conntrack "+percent(uint64(t.Count), uint64(t.Max)))
	}
	line := p.put(plain, "conntrack ") + p.put(fillInk(t), bar(uint64(t.Count), uint64(t.Max), 12)) +
		p.put(plain, fmt.Sprintf(" %s  %s of %s", percent(uint64(t.Count), uint64(t.Max)), number(uint64(t.Count), 11), number(uint64(t.Max), 11)))
	if t.Netns.Inode != s.Start.Machine.Netns {
		line += p.put(faint, " in "+namespaceWord(t.NetnsName, t.Netns.Inode))
	}
	return line
}

func fullest(tables []stream.Table) (most *stream.Table) {
	for i := range tables {
		t := &tables[i]
		if t.Max > 0 && (most == nil || uint64(t.Count)*uint64(most.Max) > uint64(most.Count)*uint64(t.Max)) {
			most = t
		}
	}
	return most
}

func fillInk(t *stream.Table) ink {
	return usedInk(uint64(t.Count), uint64(t.Max))
}

// usedInk warns from three quarters on, and more from nine tenths on.
func usedInk(used, limit uint64) ink {
	switch {
	case used*10 >= limit*9:
		return bad
	case used*4 >= limit*3:
		return warning
	}
	return good
}

func namespaceWord(name string, inode uint32) string {
	if name == "" {
		return fmt.Sprintf("netns %d", inode)
	}
	return "netns " + name
}

// filterNote reminds of the filter.
func (m Model) filterNote() string {
	words := m.filterWords()
	if words == "" {
		return ""
	}
	return m.pen.put(warning, m.pen.cut("only "+words, m.width/2))
}

func speedWord(speed float64) string {
	if speed < 1 {
		return fmt.Sprintf("×1/%.0f", 1/speed)
	}
	return fmt.Sprintf("×%.0f", speed)
}

// timeWord is the time of a record.
func timeWord(t time.Time) string { return t.Local().Format("15:04:05.000") }
