// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"regexp"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/proc"
)

// colours are the only sequences that the model writes.
var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestHostileNamesDoNotReachTheTerminal(t *testing.T) {
	const evil = "a\x1b]0;owned\x07\x1b[2J\u202e\u009b31m\nb漢字"
	f := newFake(t)
	s := f.snapshot
	s.Start.Machine.Name, s.Start.Machine.Kernel = evil, evil
	nobody := enrich.Answer{Listener: &enrich.Listener{Port: 443, Process: proc.Process{PID: 1, Comm: evil, Unit: evil, Container: evil}}, Interface: evil, OutInterface: evil}
	for i := range s.Places {
		s.Places[i].NetnsName, s.Places[i].Answer = evil, nobody
		s.Places[i].Netns.Inode = 7
	}
	for i := range f.records {
		r := &f.records[i]
		r.NetnsName, r.Answer, r.Reason, r.Location = evil, nobody, evil, evil
		r.Netns.Inode = 7
	}
	s.Queues[0].Limit = evil
	s.Queues[0].Netns.Inode = 7
	s.Tables[0].NetnsName, s.Tables[0].Netns.Inode = evil, 7
	s.Findings[0].Title, s.Findings[0].Means, s.Findings[0].NetnsName = evil, evil, evil
	s.Findings[0].Changes[0].Do, s.Findings[0].Changes[0].Why = evil, evil
	s.Start.Blind = []string{evil}
	for _, ascii := range []bool{false, true} {
		d := drive(t, f, false)
		d.m.pen.ascii = ascii
		d.send(message(evil))
		for _, keys := range []string{"", "enter", "enter", "enter", "f", "e", "?", "esc /"} {
			d.press(keys)
			for _, size := range [][2]int{{40, 10}, {80, 24}, {200, 60}} {
				d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				content := colours.ReplaceAllString(d.m.View().Content, "")
				for _, r := range content {
					if r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e || ascii && r > '~') {
						t.Fatalf("after %q at %v the screen has %q:\n%q", keys, size, r, content)
					}
				}
				if strings.Count(content, "\n") != size[1]-1 {
					t.Errorf("after %q at %v a name has broken the lines", keys, size)
				}
			}
		}
	}
}
