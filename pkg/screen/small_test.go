// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
)

func TestSparkline(t *testing.T) {
	one := make([]uint64, 60)
	one[59] = 1
	for _, test := range []struct {
		recent []uint64
		width  int
		want   string
	}{
		{nil, 10, "▁▁▁▁▁▁▁▁▁▁"},
		{one, 10, "▁▁▁▁▁▁▁▁▁█"},
		{[]uint64{1, 2, 4, 8}, 99, "▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▂▃▅█"},
		{one, 9, "▁▁▁▁▁█"}, {one, 5, ""},
	} {
		if got := sparkline(test.recent, test.width); got != test.want {
			t.Errorf("%v in %d: got %s, want %s", test.recent, test.width, got, test.want)
		}
	}
}

func TestBar(t *testing.T) {
	for _, test := range []struct {
		used, limit uint64
		want        string
	}{
		{0, 128, "····"}, {1, 1 << 40, "▏···"}, {64, 128, "██··"}, {72, 128, "██▎·"}, {127, 128, "███▉"}, {128, 128, "████"}, {129, 128, "████"},
		{0, 0, "····"}, {1, 0, "████"},
	} {
		if got := bar(test.used, test.limit, 4); got != test.want {
			t.Errorf("%d of %d: got %s, want %s", test.used, test.limit, got, test.want)
		}
	}
}

// A flood of 900 a second has a record a second, which may be late.
func TestPaceIsSteady(t *testing.T) {
	recent := []uint64{900, 900, 900, 900, 900, 900, 0, 1800, 900, 0}
	at := time.Date(2026, 3, 1, 12, 0, 0, int(500*time.Millisecond), time.UTC)
	if got := pace(recent, at, time.Hour); got < 750 || got > 1050 {
		t.Errorf("got %v", got)
	}
	if got := pace([]uint64{3}, at, 500*time.Millisecond); got != 3 {
		t.Errorf("at the beginning got %v", got)
	}
	if got := pace(nil, at, time.Hour); got != 0 {
		t.Errorf("of nothing got %v", got)
	}
}

// Where the tables were not measured, the newest drops say how full they were.
func TestTablesAsDropsMetThem(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := &state.Snapshot{Places: []state.Place{
		{Key: state.Key{Netns: netns.ID{Inode: 1}}, Last: at, Answer: enrich.Answer{Conntrack: &conntrack.Usage{Count: 7, Max: 9}}},
		{Key: state.Key{Netns: netns.ID{Inode: 1}, Port: 2}, Last: at.Add(time.Second), Answer: enrich.Answer{Conntrack: &conntrack.Usage{Count: 8, Max: 9}}},
		{Key: state.Key{Netns: netns.ID{Inode: 2}}, Last: at},
	}}
	if got := tablesOf(s); len(got) != 1 || got[0].Count != 8 || got[0].Max != 9 {
		t.Errorf("got %+v", got)
	}
	s.Tables = []stream.Table{{Count: 3, Max: 4}}
	if got := tablesOf(s); len(got) != 1 || got[0].Count != 3 {
		t.Errorf("measured %+v", got)
	}
}

func TestNumbers(t *testing.T) {
	for got, want := range map[string]string{
		number(0, 5): "0", number(999, 5): "999", number(1234, 5): "1,234", number(123456, 5): "123k", number(12345678, 10): "12,345,678",
		number(999_999, 5): "1.0M", number(1<<63, 8): "9223P",
		rate(0, 7): "0", rate(0.01, 7): "<0.1", rate(2.04, 7): "2.0", rate(9.96, 7): "10", rate(1e6, 7): "1.0M",
		percent(1, 4113): "<1%", percent(4112, 4113): "99%", percent(5, 5): "100%", percent(1, 0): "",
		clock(83 * time.Second): "1:23", clock(3723 * time.Second): "1:02:03",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestColumnsAreAsWideAsTheyShould(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		p := pen{ascii}
		for _, s := range []string{"", "nginx", "漢字漢字漢字", "e\u0301e\u0301", "\x1b[2J", "2001:db8:1234:5678:9abc:def0:1234:5678/128", "👩‍🚀👩‍🚀👩‍🚀👩‍🚀👩‍🚀"} {
			for width := range 20 {
				for _, cell := range []string{p.left(bad, s, width), p.right(plain, s, width), p.row(true, s, width), fit(p.put(good, s), width)} {
					if got := ansi.StringWidth(cell); got != max(width, 0) {
						t.Errorf("%q in %d columns has %d: %q", s, width, got, cell)
					}
				}
			}
		}
	}
}

// What is plain is measured and cut as the library does it with everything.
func TestColumnsAreThoseOfTheLibrary(t *testing.T) {
	for _, s := range []string{
		"", "plain", color(bad, "red") + " and " + color(faint, "▁▂▃ → …"), "漢字 and text", "e\u0301e\u0301", "→\ufe0f x", color(bold, "漢") + "x", "a\x1b[31", "└█▌·×›",
	} {
		if got, want := columns(s), ansi.StringWidth(s); got != want {
			t.Errorf("%q has %d columns, want %d", s, got, want)
		}
		for most := range 12 {
			for _, tail := range []string{"", "…"} {
				if got, want := truncated(s, most, tail), ansi.Truncate(s, most, tail); got != want {
					t.Errorf("%q in %d is %q, want %q", s, most, got, want)
				}
			}
		}
	}
}

func TestUnicode(t *testing.T) {
	for _, test := range []struct {
		environ []string
		want    bool
	}{
		{[]string{"TERM=xterm", "LANG=en_US.UTF-8"}, true}, {[]string{"TERM=xterm", "LANG=C.utf8"}, true},
		{[]string{"TERM=linux", "LANG=en_US.UTF-8"}, false}, {[]string{"TERM=xterm"}, false},
		{[]string{"LANG=en_US.UTF-8", "LC_ALL=C"}, false}, {[]string{"LANG=C", "LC_CTYPE=C.UTF-8"}, true}, {[]string{"LANG=C.UTF-8", "LC_ALL="}, true},
	} {
		if got := HasUnicode(test.environ); got != test.want {
			t.Errorf("%v: got %v", test.environ, got)
		}
	}
}
