// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"net/netip"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/synwatch/synwatch/pkg/event"
)

// binding ties keys to what they do. The help and the last line list them.
type keyBinding struct {
	keys []string
	// label names the keys, and word says in the last line what they do, empty if it is
	// left out there.
	label, word string
	does        string
	do          func(Model) (Model, tea.Cmd)
	replay      bool // only while a capture is played
}

var bindings []keyBinding

// The functions draw the help, which lists the bindings.
func init() {
	bindings = []keyBinding{
		{keys: []string{"enter", "right", "l"}, label: "⏎", word: "open", does: "go into what the cursor is on: cause, source, destination, records", do: Model.enter},
		{keys: []string{"esc", "backspace", "left", "h"}, label: "Esc", word: "", does: "go back; from the beginning, show all rows and drops again", do: Model.back},
		{keys: []string{"up", "k"}, label: "↑ k", does: "up", do: moveBy(-1)},
		{keys: []string{"down", "j"}, label: "↓ j", does: "down", do: moveBy(1)},
		{keys: []string{"pgup"}, label: "PgUp", does: "ten up", do: moveBy(-10)},
		{keys: []string{"pgdown"}, label: "PgDn", does: "ten down", do: moveBy(10)},
		{keys: []string{"home", "g"}, label: "Home g", does: "to the first row, which the cursor then stays on", do: Model.home},
		{keys: []string{"f"}, label: "f", word: "findings", does: "what is wrong and what to change", do: open(findingsPage)},
		{keys: []string{"e"}, label: "e", word: "explain", does: "explain the chosen cause", do: open(explainPage)},
		{keys: []string{"/"}, label: "/", word: "filter", does: "show a part only, e.g. port:443 src:10.0.0.0/8 cause:accept; empty shows all", do: Model.editFilter},
		{keys: []string{"s"}, label: "s", word: "sort", does: "sort the causes by rate, by total or by name", do: Model.nextOrder},
		{keys: []string{"d"}, label: "d", word: "", does: "one direction only: in, forward, out; then all", do: Model.nextDirection},
		{keys: []string{"n"}, label: "n", word: "", does: "show notices too: worth knowing, nothing dropped", do: Model.toggleNotices},
		{keys: []string{"p", "space"}, label: "p", word: "pause", does: "hold the screen, and a capture that is played; the run goes on", do: Model.pause},
		{keys: []string{"w"}, label: "w", word: "write", does: "write a capture into the working directory, or end it", do: Model.write},
		{keys: []string{"+", "="}, label: "+", word: "faster", does: "play twice as fast", do: steerBy(steering{faster: 2}), replay: true},
		{keys: []string{"-"}, label: "-", word: "", does: "play half as fast", do: steerBy(steering{faster: 0.5}), replay: true},
		{keys: []string{".", ">"}, label: ".", word: "on", does: "ten seconds on", do: steerBy(steering{seek: 10 * time.Second}), replay: true},
		{keys: []string{",", "<"}, label: ",", word: "back", does: "ten seconds back", do: steerBy(steering{seek: -10 * time.Second}), replay: true},
		{keys: []string{"]"}, label: "]", word: "", does: "ten minutes on", do: steerBy(steering{seek: 10 * time.Minute}), replay: true},
		{keys: []string{"["}, label: "[", word: "", does: "ten minutes back", do: steerBy(steering{seek: -10 * time.Minute}), replay: true},
		{keys: []string{"end", "G"}, label: "End", word: "end", does: "to the end, and of a pipe to the newest", do: Model.toEnd, replay: true},
		{keys: []string{"?"}, label: "?", word: "help", does: "this help", do: open(helpPage)},
		{keys: []string{"q", "ctrl+c"}, label: "q", word: "quit", does: "quit", do: quit},
	}
}

// press does what a key is for.
func (m Model) press(key tea.KeyPressMsg) (Model, tea.Cmd) {
	if m.editing {
		return m.edit(key)
	}
	m.status = ""
	name := key.String()
	if m.page != noPage {
		if pressed, ok := m.pressOnPage(name); ok {
			return pressed, nil
		}
	}
	for _, b := range bindings {
		for _, k := range b.keys {
			if k == name && (!b.replay || m.replay) {
				return b.do(m)
			}
		}
	}
	return m, nil
}

// pressOnPage scrolls and closes a page.
func (m Model) pressOnPage(key string) (Model, bool) {
	switch key {
	case "up", "k":
		m.scroll--
	case "down", "j", "enter":
		m.scroll++
	case "pgup":
		m.scroll -= m.height / 2
	case "pgdown":
		m.scroll += m.height / 2
	case "home", "g":
		m.scroll = 0
	case "esc", "backspace", "left", "h":
		m.page, m.scroll = noPage, 0
	default:
		return m, false
	}
	m.scroll = min(max(m.scroll, 0), m.pageEnd())
	return m, true
}

func open(p page) func(Model) (Model, tea.Cmd) {
	return func(m Model) (Model, tea.Cmd) {
		if m.page == p {
			p = noPage
		}
		m.page, m.scroll = p, 0
		return m, nil
	}
}

func moveBy(n int) func(Model) (Model, tea.Cmd) {
	return func(m Model) (Model, tea.Cmd) { return m.move(n), nil }
}

// move moves the cursor in the list that the user went into.
func (m Model) move(n int) Model {
	now := m.look.now
	switch m.depth {
	case overview:
		was, _ := m.causes.current()
		m.causes = m.causes.move(n, now)
		if is, _ := m.causes.current(); is != was {
			m.sources = m.sources.release()
		}
	case ofCause:
		m.sources = m.sources.move(n, now)
	case ofSource:
		m.destinations = m.destinations.move(n, now)
	case ofDestination:
		m.records = m.records.move(n, now)
	}
	return m.arrange()
}

// home releases the rows: whatever comes first is under the cursor from now on.
func (m Model) home() (Model, tea.Cmd) {
	switch m.depth {
	case overview:
		m.causes = m.causes.release()
	case ofCause:
		m.sources = m.sources.release()
	case ofSource:
		m.destinations = m.destinations.release()
	case ofDestination:
		m.records = m.records.release()
	}
	return m.arrange(), nil
}

// enter goes into what the cursor is on. What the user came by stays chosen.
func (m Model) enter() (Model, tea.Cmd) {
	now := m.look.now
	switch {
	case m.depth == overview && len(m.causes.keys) > 0:
		m.causes = m.causes.move(0, now)
		m.depth, m.sources = ofCause, list[netip.Prefix]{}
	case m.depth == ofCause && len(m.sources.keys) > 0:
		m.sources = m.sources.move(0, now)
		m.depth, m.destinations = ofSource, list[destinationKey]{}
	case m.depth == ofSource && len(m.destinations.keys) > 0:
		m.destinations = m.destinations.move(0, now)
		m.depth, m.records = ofDestination, list[recordKey]{}
	default:
		return m, nil
	}
	return m.arrange(), m.ask()
}

// back goes back, and from the beginning takes the filter away.
func (m Model) back() (Model, tea.Cmd) {
	switch {
	case m.depth > overview:
		m.depth--
		m.records = list[recordKey]{}
	case m.words != "" || m.direction != "":
		m.words, m.direction = "", ""
		return m.setFilter()
	default:
		return m.home()
	}
	return m.arrange(), m.ask()
}

func (m Model) nextOrder() (Model, tea.Cmd) {
	m.order = (m.order + 1) % orders
	m.causes = m.causes.release()
	return m.arrange(), nil
}

func (m Model) toggleNotices() (Model, tea.Cmd) {
	m.notices = !m.notices
	return m.arrange(), m.ask()
}

// directions are those that d goes through.
var directions = map[event.Direction]event.Direction{"": event.In, event.In: event.Forward, event.Forward: event.Out}

func (m Model) nextDirection() (Model, tea.Cmd) {
	m.direction = directions[m.direction]
	return m.setFilter()
}

func (m Model) pause() (Model, tea.Cmd) {
	m.frozen = !m.frozen
	frozen := m.frozen
	return m, tea.Sequence(m.steer(steering{pause: &frozen}), m.ask())
}

func (m Model) write() (Model, tea.Cmd) {
	return m, func() tea.Msg {
		was := m.look.written.file != ""
		w, err := m.backend.capture()
		return captured{w, err, !was}
	}
}

func steerBy(s steering) func(Model) (Model, tea.Cmd) {
	return func(m Model) (Model, tea.Cmd) { return m, tea.Sequence(m.steer(s), m.ask()) }
}

// toEnd plays on, as there is nothing to hold behind the newest.
func (m Model) toEnd() (Model, tea.Cmd) {
	m.frozen = false
	return steerBy(steering{end: true, pause: &m.frozen})(m)
}

func (m Model) steer(s steering) tea.Cmd {
	return func() tea.Msg {
		if err := m.backend.steer(s); err != nil {
			return message(err.Error())
		}
		return nil
	}
}

func quit(m Model) (Model, tea.Cmd) { return m, tea.Quit }
