// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"fmt"
	"slices"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/text"
)

// destinationPanel lists where packets were going, with the queue of who listens there
// against the limit that binds it.
func (m Model) destinationPanel(width, room int) []string {
	if room <= 0 {
		return nil
	}
	p := m.pen
	rows := m.destinationRows()
	lines := []string{p.rule(m.destinationHeading(len(rows)), width)}
	from, to := m.destinations.window(room - 1)
	for i := from; i < to; i++ {
		key := m.destinations.keys[i]
		at := slices.IndexFunc(rows, func(d destination) bool { return d.destinationKey == key })
		if at < 0 {
			continue
		}
		lines = append(lines, p.row(m.depth == ofSource && i == m.destinations.at, m.destinationRow(&rows[at], width), width))
	}
	return lines
}

func (m Model) destinationHeading(n int) string {
	switch m.depth {
	case ofCause:
		c, _ := m.causes.current()
		return c.ID + " by destination, and the queue there against its limit"
	case ofSource:
		return fmt.Sprintf("by destination, of the newest %s", text.Count(len(m.look.records), "record"))
	}
	return "all by destination, and the queue there against its limit"
}

// The widths of the columns of a destination.
const (
	queueWidth = 10
	limitWidth = 22
)

func (m Model) destinationRow(d *destination, width int) string {
	p := m.pen
	rest := width - 1 - totalWidth
	var queued string
	if q, ok := queueOf(d, m.look.snapshot.Queues); ok && rest >= 60 {
		queued = "  " + m.queueWords(q)
	}
	name := rest
	if rest >= 60 {
		name = rest - 2 - queueWidth - 1 - limitWidth
	}
	return p.left(plain, m.destinationWords(d), name) + p.right(plain, number(d.count, totalWidth-1), totalWidth) + queued
}

// queueWords draw a queue and name its limit.
func (m Model) queueWords(q queue) string {
	p := m.pen
	ink := usedInk(q.used, q.limit)
	return p.put(ink, bar(q.used, q.limit, queueWidth)) + " " +
		p.left(ink, fmt.Sprintf("%s%d/%d %s", q.name, q.used, q.limit, q.binds), limitWidth)
}

// nameOf names a destination of which only the key is kept.
func (m Model) nameOf(k destinationKey) string {
	if m.look.snapshot != nil {
		for i := range m.look.snapshot.Places {
			if pl := &m.look.snapshot.Places[i]; keyOfPlace(&pl.Key) == k {
				return m.destinationWords(&destination{destinationKey: k, netnsName: pl.NetnsName, answer: pl.Answer})
			}
		}
	}
	return m.destinationWords(&destination{destinationKey: k})
}

// destinationWords say who is there, on which way, and in which namespace if it is not
// the machine's own.
func (m Model) destinationWords(d *destination) string {
	where := d.portWords()
	if d.proto != 0 && d.proto != event.TCP {
		where = d.proto.String() + " " + where
	}
	return text.Join(" ", ownerWords(d), where, wayWord(d.direction), m.placeWords(d))
}

func ownerWords(d *destination) string {
	l := d.answer.Listener
	switch {
	case l != nil && l.PID != 0:
		return fmt.Sprintf("%s[%d]", l.Comm, l.PID)
	case d.answer.Sender != nil:
		return fmt.Sprintf("%s[%d] to", d.answer.Sender.Comm, d.answer.Sender.PID)
	}
	return ""
}

func (m Model) placeWords(d *destination) string {
	if t := d.answer.Target; t != nil {
		if t.Name == "" && t.Container != "" {
			return "in container " + proc.ShortID(t.Container)
		}
		return "in " + namespaceWord(t.Name, t.Netns.Inode)
	}
	own := m.look.snapshot != nil && m.look.snapshot.Start.Machine.Netns == d.netns.Inode
	if own || d.netns.Inode == 0 {
		return ""
	}
	return "in " + namespaceWord(d.netnsName, d.netns.Inode)
}
