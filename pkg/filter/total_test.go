// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"net/netip"
	"testing"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/state"
)

// TestMatchOfTotals: what a total does not tell keeps nothing back.
func TestMatchOfTotals(t *testing.T) {
	r := record(t)
	c := r.Cause
	source := state.Source{Src: r.Src.Addr()}
	listener := state.Place{
		Key:       state.Key{Cause: c, Netns: r.Netns, Direction: event.In, Proto: event.TCP, Port: 443},
		NetnsName: r.NetnsName, Answer: r.Answer,
	}
	total := state.Cause{Cause: c, ByStage: map[string]uint64{"ack": 1}, Sources: []state.Source{source, {Src: netip.MustParseAddr("fd00::9")}}}
	for _, test := range []struct {
		text                 string
		source, place, cause bool
	}{
		{"", true, true, true},
		{"src:10.9.0.5", true, true, true},
		{"src:10.9.0.6", false, true, false},
		{"-src:10.9.0.5", false, true, true}, // the other source is left
		{"-src:::/0 -src:0.0.0.0/0", false, true, false},
		{"port:443", true, true, true},
		{"port:80", true, false, false},
		{"-port:443", true, false, false},
		{"dst:10.0.0.1", true, true, true},
		{"cause:accept", true, true, true},
		{"cause:syn", false, false, false},
		{"stage:ack", true, true, true},
		{"stage:cookie", true, true, false},
		{"direction:forward", true, false, false},
		{"src:10.9.0.5 port:443 listener:nginx", true, true, true},
		{"nginx", false, true, true},
		{"10.9.0.5", true, false, true},
		{"apache", false, false, false},
		{"-apache", true, true, true},
		{"-accept", false, false, false},
	} {
		f, err := Parse(test.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.MatchSource(c, &source); got != test.source {
			t.Errorf("%s: the source matches: %v", test.text, got)
		}
		if got := f.MatchPlace(&listener); got != test.place {
			t.Errorf("%s: the place matches: %v", test.text, got)
		}
		if got := f.MatchCause(&total, []state.Place{listener}); got != test.cause {
			t.Errorf("%s: the cause matches: %v", test.text, got)
		}
	}
}

// TestMatchOfMoreThanIsCountedApart: sources beyond those that are known may be any.
func TestMatchOfMoreThanIsCountedApart(t *testing.T) {
	f, err := Parse("src:10.9.0.6 port:80")
	if err != nil {
		t.Fatal(err)
	}
	total := state.Cause{Cause: lookup(t, "no-listener"), Others: 1, Sources: []state.Source{{Src: netip.MustParseAddr("10.9.0.5")}}}
	if !f.MatchCause(&total, make([]state.Place, state.MaxTop)) {
		t.Error("a cause is kept back of which not all is known")
	}
}
