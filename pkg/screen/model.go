// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"net/netip"
	"time"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/text"
)

// refresh is how often the screen looks at the run.
const refresh = 500 * time.Millisecond

// heed is how long a message stays, unless a key is pressed.
const heed = 10 * time.Second

// depth is how far the user went into the drops.
type depth int

const (
	overview      depth = iota // causes
	ofCause                    // sources of a cause
	ofSource                   // destinations of a source
	ofDestination              // records
)

// page is a text in place of the drops.
type page int

const (
	noPage page = iota
	findingsPage
	explainPage
	helpPage
)

// backend is what the screen shows and steers.
type backend interface {
	look(question) look
	filter(Matcher)
	capture() (written, error)
	// steer changes how a capture is played; live there is nothing to steer. The error
	// says why it cannot be played so.
	steer(steering) error
}

// Model is the screen as a function of what happened to it.
type Model struct {
	pen     pen
	backend backend
	parse   func(string) (Matcher, error)
	replay  bool

	width, height int
	look          look
	looking       bool // an answer is on its way
	frozen        bool
	began, ended  bool

	depth        depth
	causes       list[*cause.Cause]
	sources      list[netip.Prefix]
	destinations list[destinationKey]
	records      list[recordKey]
	order        order
	notices      bool

	page   page
	scroll int

	editing   bool
	input     textinput.Model
	words     string // of the filter in force
	wordsErr  string
	direction event.Direction

	status     string
	statusTill time.Time
	messages   []string

	content string
}

func newModel(p pen, b backend, parse func(string) (Matcher, error), replay bool) Model {
	input := textinput.New()
	input.KeyMap.Paste.SetEnabled(false) // it would run a program; a terminal's own paste is a message
	input.Focus()
	return Model{pen: p, backend: b, parse: parse, replay: replay, input: input}
}

type (
	tick     time.Time
	looked   look
	message  string
	captured struct {
		written
		err error
		on  bool
	}
	runEnded struct{}
)

// Init looks at the run at once, and then again and again.
func (m Model) Init() tea.Cmd { return tea.Batch(m.ask(), nextTick()) }

func nextTick() tea.Cmd { return tea.Tick(refresh, func(t time.Time) tea.Msg { return tick(t) }) }

// ask looks at the run.
func (m Model) ask() tea.Cmd {
	q := m.question()
	return func() tea.Msg { return looked(m.backend.look(q)) }
}

// Update takes in what happened. The screen is drawn anew only if it can have changed.
func (m Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tick:
		if m.looking || m.held() {
			return m, nextTick()
		}
		m.looking = true
		return m, tea.Batch(m.ask(), nextTick())
	case looked:
		m = m.see(look(msg))
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		m, cmd = m.press(msg)
	case tea.PasteMsg:
		m, cmd = m.edit(msg)
	case message:
		m = m.say(string(msg))
	case captured:
		m = m.tellCapture(msg)
	case runEnded:
		m.ended = true
	default:
		return m, nil
	}
	m.content = m.draw()
	return m, cmd
}

// View is the screen.
func (m Model) View() tea.View {
	v := tea.NewView(m.content)
	v.AltScreen = true
	return v
}

// held says that what is shown stays. A capture that is paused stays by itself, but
// where the user goes in it.
func (m Model) held() bool { return m.frozen && !m.replay }

// see takes in a look, unless the screen is frozen and the user only moves on it.
func (m Model) see(l look) Model {
	m.looking = false
	if m.held() && m.began {
		m.look.records, m.look.question, m.look.written = l.records, l.question, l.written
	} else {
		m.look = l
	}
	m.began = true
	if m.status != "" && l.now.After(m.statusTill) {
		m.status = ""
	}
	return m.arrange()
}

// say shows a message for a while and keeps it for the help.
func (m Model) say(text string) Model {
	const kept = 20
	m.status, m.statusTill = text, m.look.now.Add(heed)
	m.messages = append(m.messages[max(len(m.messages)-kept+1, 0):len(m.messages):len(m.messages)], text)
	return m
}

func (m Model) tellCapture(c captured) Model {
	m.look.written = c.written
	switch {
	case c.err != nil:
		m.look.written = written{}
		return m.say("the capture ended: " + c.err.Error())
	case c.on:
		return m.say("writes from now on to " + c.file + "; w ends it")
	}
	m.look.written = written{}
	return m.say("wrote " + text.Count(c.records, "record") + " to " + c.file)
}

// question is what the screen wants to know now.
func (m Model) question() question {
	const few, many = 50, 1000
	q := question{anywhere: true, notices: m.notices, records: few}
	if m.depth >= ofCause {
		q.cause, _ = m.causes.current()
	}
	if m.depth >= ofSource {
		q.source, _ = m.sources.current()
		q.records = many
	}
	if m.depth >= ofDestination {
		q.destination, _ = m.destinations.current()
		q.anywhere = false
	}
	return q
}

// recordOf finds a record of the last look.
func (m Model) recordOf(k recordKey) *stream.Record {
	for i := range m.look.records {
		if r := &m.look.records[i]; keyOf(r) == k {
			return r
		}
	}
	return nil
}
