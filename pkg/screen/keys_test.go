// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/synwatch/synwatch/pkg/stream"
)

// driver presses keys and carries out what they ask for, without a terminal.
type driver struct {
	t *testing.T
	m Model
}

func drive(t *testing.T, b backend, replay bool) *driver {
	d := &driver{t, newModel(pen{}, b, parse, replay)}
	d.send(tea.WindowSizeMsg{Width: 100, Height: 30})
	d.send(tick{})
	return d
}

// send updates the model and runs the commands that come of it, but for the clock.
func (d *driver) send(msg tea.Msg) {
	next, cmd := d.m.Update(msg)
	d.m = next.(Model)
	if _, ok := msg.(tick); ok {
		d.send(d.m.ask()())
		return
	}
	d.run(cmd)
}

func (d *driver) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range msg {
			d.run(c)
		}
	case looked, captured:
		d.send(msg)
	default:
		if strings.Contains(strings.ToLower(fmt.Sprintf("%T", msg)), "sequence") {
			d.send(d.m.ask()())
		}
	}
}

var names = map[string]tea.KeyPressMsg{
	"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "down": {Code: tea.KeyDown}, "up": {Code: tea.KeyUp}, "space": {Code: tea.KeySpace, Text: " "},
	"backspace": {Code: tea.KeyBackspace}, "home": {Code: tea.KeyHome},
}

// press presses keys, separated by blanks.
func (d *driver) press(keys string) {
	for _, k := range strings.Fields(keys) {
		key, ok := names[k]
		if !ok {
			key = tea.KeyPressMsg{Code: rune(k[0]), Text: k}
		}
		d.send(key)
	}
}

func (d *driver) typeText(s string) {
	for _, r := range s {
		d.send(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

func (d *driver) screen() string { return ansi.Strip(d.m.View().Content) }

func (d *driver) shows(what string) {
	d.t.Helper()
	if !strings.Contains(d.screen(), what) {
		d.t.Errorf("the screen does not show %q:\n%s", what, d.screen())
	}
}

func (d *driver) hides(what string) {
	d.t.Helper()
	if strings.Contains(d.screen(), what) {
		d.t.Errorf("the screen shows %q:\n%s", what, d.screen())
	}
}

func TestDrillDownAndBack(t *testing.T) {
	f := newFake(t)
	d := drive(t, f, false)
	d.shows("▸accept-queue-full")
	d.press("j")
	d.shows("▸netfilter-drop")
	d.shows("netfilter-drop: 212 from 1 source")
	d.press("k enter")
	d.shows("▸10.9.0.0/24")
	d.press("down enter")
	d.shows("accept-queue-full › 10.9.0.5")
	d.shows("▸nginx[812] :443")
	if f.asked.source.String() != "10.9.0.5/32" || f.asked.cause.ID != "accept-queue-full" {
		t.Errorf("asked for %+v", f.asked)
	}
	d.press("enter")
	d.shows("▸12:01:23.000")
	d.press("down down")
	d.shows("▸12:01:22.726")
	d.shows("129 waiting, limit 128 (the listen backlog; somaxconn is 4096)")
	d.press("esc backspace esc")
	d.shows("▸accept-queue-full")
	d.hides("Esc ←")
}

func TestRecordsStayUnderTheCursor(t *testing.T) {
	f := newFake(t)
	d := drive(t, f, false)
	d.press("enter down enter enter down")
	newest := f.records[0]
	newest.Time = newest.Time.Add(time.Second)
	f.records = append([]stream.Record{newest}, f.records...)
	d.send(tick{})
	d.shows("▸12:01:22.863")
	d.hides("12:01:24.000")
	d.press("home")
	d.shows("▸12:01:24.000")
}

func TestSort(t *testing.T) {
	d := drive(t, newFake(t), false)
	at := func(id string) int { return strings.Index(d.screen(), id+" ") }
	d.press("s s")
	if !(at("accept-queue-full") < at("netfilter-drop") && at("netfilter-drop") < at("no-listener")) {
		t.Error(d.screen())
	}
	d.shows("CAUSE▾")
	d.press("s")
	d.shows("PER SEC▾")
}

func TestNotices(t *testing.T) {
	d := drive(t, newFake(t), false)
	d.hides("syn-cookie-sent")
	d.press("n")
	d.shows("syn-cookie-sent")
	d.press("n")
	d.hides("syn-cookie-sent")
}

func TestFilter(t *testing.T) {
	f := newFake(t)
	d := drive(t, f, false)
	d.press("/")
	d.typeText("port:x")
	d.press("enter")
	d.shows("filter: port:x")
	if f.matcher != nil {
		t.Error("a wrong filter is in force")
	}
	d.press("backspace")
	d.typeText("443 src:10.9.0.0/16")
	d.press("enter")
	d.shows("only port:443 src:10.9.0.0/16")
	if f.matcher == nil || !f.matcher(&f.records[0]) || f.matcher(&f.records[len(f.records)-1]) {
		t.Fatal("the filter is not in force")
	}
	d.press("d")
	d.shows("direction:in")
	d.press("d")
	if f.matcher(&f.records[0]) {
		t.Error("what comes in is let through as forwarded")
	}
	d.press("esc")
	if f.matcher != nil {
		t.Error("Esc leaves the filter in force")
	}
	d.press("/")
	d.typeText("q")
	d.press("esc")
	d.hides("only")
}

func TestPauseHoldsTheNumbers(t *testing.T) {
	f := newFake(t)
	d := drive(t, f, false)
	d.press("p")
	d.shows("PAUSED")
	changed := *f.snapshot
	changed.Drops = 999999
	f.snapshot = &changed
	d.send(tick{})
	d.press("j enter")
	d.hides("999,999")
	d.press("space")
	d.shows("999,999")
}

func TestPages(t *testing.T) {
	d := drive(t, newFake(t), false)
	for key, want := range map[string]string{"f": "backlog=4096", "e": "What the client sees", "?": "write a capture"} {
		d.press(key)
		d.shows(want)
		d.press("esc")
		d.hides(want + "\n")
		d.shows("CAUSE")
	}
	d.press("e down down")
	d.hides("(drop; stages")
	d.press("up up up")
	d.shows("(drop; stages")
}

func TestCapture(t *testing.T) {
	f := newFake(t)
	d := drive(t, f, false)
	d.press("w")
	d.shows("writes from now on to synwatch-test.ndjson")
	d.press("w")
	d.shows("wrote 7 records to synwatch-test.ndjson")
	if f.captures != 2 {
		t.Errorf("%d times", f.captures)
	}
}

func TestReplayKeys(t *testing.T) {
	f := newFake(t)
	live := drive(t, f, false)
	live.press("+ , [")
	if len(f.steered) != 0 {
		t.Errorf("a run is steered: %v", f.steered)
	}
	d := drive(t, f, true)
	d.shows("REPLAY ×1")
	_ = d.m.backend.steer(steering{faster: 2})
	for _, key := range []string{"+", "-", ".", ","} {
		_, cmd := d.m.press(tea.KeyPressMsg{Code: rune(key[0]), Text: key})
		if cmd == nil {
			t.Errorf("%s does nothing", key)
		}
	}
}

func TestMessagesAreShownAndKept(t *testing.T) {
	d := drive(t, newFake(t), false)
	d.send(message("the counters of netns x cannot be read\x1b[2J"))
	d.shows(`the counters of netns x cannot be read\x1b[2J`)
	d.press("?")
	d.press("pgdown pgdown")
	for range 30 {
		d.press("j")
	}
	d.shows("Messages of the run")
}

func TestEverySizeIsFilled(t *testing.T) {
	d := drive(t, newFake(t), false)
	for _, keys := range []string{"", "enter", "enter", "enter", "f", "e", "?", "esc /"} {
		d.press(keys)
		for _, size := range [][2]int{{20, 5}, {40, 10}, {41, 11}, {60, 16}, {80, 24}, {139, 40}, {140, 20}, {200, 60}, {300, 100}} {
			d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			lines := strings.Split(d.m.View().Content, "\n")
			if len(lines) != size[1] {
				t.Errorf("%s at %v: %d lines", keys, size, len(lines))
			}
			for _, line := range lines {
				if w := ansi.StringWidth(line); w != size[0] {
					t.Errorf("%s at %v: a line has %d columns: %q", keys, size, w, line)
				}
			}
		}
	}
	d.send(tea.WindowSizeMsg{Width: 10, Height: 3})
	d.shows("too small")
}
