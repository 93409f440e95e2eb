// SPDX-License-Identifier: Apache-2.0

package text

import (
	"bytes"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
)

func TestPalette(t *testing.T) {
	for _, test := range []struct {
		mode    string
		environ []string
		want    bool
	}{
		{"auto", []string{"TERM=xterm"}, false}, // not a terminal
		{"always", nil, true},
		{"always", []string{"NO_COLOR=1", "TERM=xterm"}, true}, // the flag is more specific
		{"never", []string{"TERM=xterm"}, false},
	} {
		p, err := NewPalette(test.mode, &bytes.Buffer{}, test.environ)
		if got := p.paint(Red, "x") != "x"; err != nil || got != test.want {
			t.Errorf("%s %v: coloured %v, %v", test.mode, test.environ, got, err)
		}
	}
	if _, err := NewPalette("pink", nil, nil); err == nil {
		t.Error("pink is a mode")
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"web-1": "web-1", "grün": "grün", "a\x1b[31mb": `a\x1b[31mb`, "a\nb": `a\nb`, "a\x7fb": `a\x7fb`,
		"\u202eevil": `\u202eevil`, "\xff": `\xff`, "\u009b31m": `\u009b31m`, "\u2028": `\u2028`, "漢字": "漢字",
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"a bb ccc", 4, "a bb|ccc"},
		{"a-long-word b", 4, "a-long-word|b"},
		{"", 4, ""},
		{"漢字 漢字", 5, "漢字|漢字"},
		{"漢字 漢字", 9, "漢字 漢字"},
		{"e\u0301e\u0301 e\u0301", 4, "e\u0301e\u0301 e\u0301"},
		{"a\nb", 9, `a\nb`},
	} {
		if got := strings.Join(Wrap(test.text, test.width), "|"); got != test.want {
			t.Errorf("%q at %d: got %q, want %q", test.text, test.width, got, test.want)
		}
	}
}

func TestColumnsStandBelowEachOther(t *testing.T) {
	p := NewPage(Palette{})
	var rows [][]Part
	for _, name := range []string{"eth0", "漢字", "e\u0301e\u0301", "\x1b[2J", "👩‍🚀"} {
		rows = append(rows, []Part{Plain.Of(name), Plain.Of("7"), Plain.Of("end")})
	}
	p.Table(&Table{Columns: []Column{{Title: "NAME"}, {Title: "N", Right: true}, {Title: "LAST"}}}, Bold, rows)
	for line := range strings.Lines(p.String()) {
		at := max(strings.Index(line, "end"), strings.Index(line, "LAST"))
		if at < 0 || lipgloss.Width(line[:at]) != 15 {
			t.Errorf("the last column is not at column 15: %q", line)
		}
	}
}

// Whatever is put on a page, by whichever method, it has the lines that were
// asked for and nothing that a terminal acts on.
func FuzzPageIsPrintable(f *testing.F) {
	for _, s := range []string{"", "a\nb", "\x1b]0;x\x07", "\u202e", "\xff\xfe", "\u009b2J", " \u2028 ", "\r\v", "\ufeff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p := NewPage(Palette{})
		p.Line(Bold.Of(s), Plain.Of(s))
		p.Linef("%s", s)
		p.Paragraph(Bold.Of(s), Faint.Of("x "+s))
		p.Labelled(s, "x"+s)
		table := Table{Columns: []Column{{}, {Right: true}, {Wrap: true}}}
		p.Table(&table, Bold, [][]Part{{Plain.Of(s), Plain.Of(s), Plain.Of("x" + s)}})
		text := p.String()
		if got := Printable(strings.ReplaceAll(text, "\n", "")); got != strings.ReplaceAll(text, "\n", "") {
			t.Errorf("%q gives %q", s, text)
		}
		if !strings.ContainsAny(s, " ") && strings.Count(text, "\n") > 8 {
			t.Errorf("%q gives %d lines: %q", s, strings.Count(text, "\n"), text)
		}
	})
}
