// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// editFilter begins to edit the filter.
func (m Model) editFilter() (Model, tea.Cmd) {
	m.editing, m.wordsErr = true, ""
	m.input.SetValue(m.words)
	m.input.CursorEnd()
	return m, nil
}

// edit takes what is typed into the filter. It has effect with Enter.
func (m Model) edit(msg tea.Msg) (Model, tea.Cmd) {
	if !m.editing {
		return m, nil
	}
	if key, ok := msg.(tea.KeyPressMsg); ok {
		switch key.String() {
		case "enter":
			return m.acceptFilter()
		case "esc", "ctrl+c":
			m.editing = false
			return m, nil
		}
	}
	m.wordsErr = ""
	m.input, _ = m.input.Update(msg)
	return m, nil
}

// acceptFilter puts the filter in force, or says what is wrong with it.
func (m Model) acceptFilter() (Model, tea.Cmd) {
	words := strings.TrimSpace(m.input.Value())
	if _, err := m.parse(words); err != nil {
		m.wordsErr = err.Error()
		return m, nil
	}
	m.editing, m.words = false, words
	return m.setFilter()
}

// setFilter shows only what the words and the direction let through.
func (m Model) setFilter() (Model, tea.Cmd) {
	words := m.filterWords()
	match, err := m.parse(words)
	if err != nil {
		return m.say(err.Error()), nil
	}
	if words == "" {
		match = nil
	}
	m.depth = overview
	ask := m.ask()
	return m, func() tea.Msg {
		m.backend.filter(match)
		return ask()
	}
}

// filterWords are the filter in force, as it was typed.
func (m Model) filterWords() string {
	words := m.words
	if m.direction != "" {
		words = strings.TrimSpace(words + " direction:" + string(m.direction))
	}
	return words
}
