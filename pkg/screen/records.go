// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/sink"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/text"
)

// recordPanel lists the newest records.
func (m Model) recordPanel(width, room int) []string {
	if room <= 0 {
		return nil
	}
	p := m.pen
	lines := []string{p.rule("newest records", width)}
	from, to := m.records.window(room - 1)
	for i := from; i < to; i++ {
		r := m.recordOf(m.records.keys[i])
		line := p.put(faint, "gone: there are too many newer ones")
		if r != nil {
			line = m.recordRow(r, width)
		}
		lines = append(lines, p.row(m.depth == ofDestination && i == m.records.at, line, width))
	}
	return lines
}

func (m Model) recordRow(r *stream.Record, width int) string {
	p := m.pen
	row := p.put(faint, timeWord(r.Time)) + "  "
	if m.depth == overview {
		row += p.left(bad, sink.CauseAndStage(r), 24) + " "
	}
	row += p.put(plain, fmt.Sprintf("%s → %s  ×%d", sink.SourceWords(r), sink.DestinationWords(r), r.Count))
	if evidence := sink.EvidenceWords(r); evidence != "" {
		row += "  " + p.put(faint, evidence)
	}
	return fit(row, width-1)
}

// evidence is all that is known of the record that the cursor is on.
func (m Model) evidence(width, room int) []string {
	key, ok := m.records.current()
	if !ok {
		return nil
	}
	r := m.recordOf(key)
	if r == nil {
		return nil
	}
	lines := []string{m.pen.rule("evidence of this record", width)}
	for _, s := range evidenceSentences(r) {
		for i, line := range text.Wrap(s.text, max(width-labelWidth-1, 10)) {
			label := ""
			if i == 0 {
				label = s.label
			}
			lines = append(lines, " "+m.pen.left(faint, label, labelWidth)+m.pen.put(plain, line))
		}
	}
	return lines[:min(len(lines), room)]
}

const labelWidth = 10

type labelled struct{ label, text string }

func evidenceSentences(r *stream.Record) []labelled {
	var all []labelled
	for _, s := range []labelled{
		{"cause", sink.CauseAndStage(r) + ": " + r.Cause.Meaning},
		{"evidence", sink.EvidenceWords(r)},
		{"process", sink.ProcessWord(r)},
		{"unit", unitWords(r)},
		{"netns", text.Join(", ", r.NetnsName, fmt.Sprint(r.Netns.Inode))},
		{"seen by", text.Join(", ", string(r.Hook), text.Prefixed("reason ", r.Reason), text.Prefixed("in ", r.Location))},
	} {
		if s.text != "" {
			all = append(all, s)
		}
	}
	return all
}

func unitWords(r *stream.Record) string {
	if r.Listener == nil {
		return ""
	}
	return text.Join(", ", r.Listener.Unit, text.Prefixed("container ", r.Listener.Container))
}
