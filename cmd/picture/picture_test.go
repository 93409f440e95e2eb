// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/charmbracelet/x/vt"
)

// TestSVG: the runs of a screen at their places, and nothing that a reader would act on.
func TestSVG(t *testing.T) {
	screen := vt.NewSafeEmulator(20, 2)
	if _, err := screen.Write([]byte("a \x1b[1;31m<script>  b\x1b[0m\r\n   \x1b[7mx\x1b[0m")); err != nil {
		t.Fatal(err)
	}
	got := svg(screen, 20, 2, `"drops" & more`)
	for _, want := range []string{
		`<title>&#34;drops&#34; &amp; more</title>`, ` fill="#e06c75" font-weight="bold">&lt;script&gt;` + "\u00a0\u00a0b</text>",
		`<text x="28.8"`, `<rect x="37.2" y="29" width="8.4" height="17" fill="#d8dbe2"/>`, ` fill="#16181d">x</text>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	for d := xml.NewDecoder(strings.NewReader(got)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestRunTypes: a program gets the keys, and its screen is what it wrote then.
func TestRunTypes(t *testing.T) {
	got := ""
	show := func(screen *vt.SafeEmulator) { got = screen.Render() }
	err := run(t.Context(), 40, 5, []string{"/bin/sh", "-c", "echo ready; read word; echo got $word; sleep 100"}, "ready", []string{"drops", "enter"}, show)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got, "got drops") {
		t.Errorf("the screen is %q", got)
	}
}

// TestRunOfAnEndedProgram: what is left on its screen is no picture of it.
func TestRunOfAnEndedProgram(t *testing.T) {
	show := func(*vt.SafeEmulator) { t.Error("it is shown") }
	if err := run(t.Context(), 40, 5, []string{"/bin/sh", "-c", "echo ready"}, "ready", nil, show); err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("got %v", err)
	}
}

func TestSize(t *testing.T) {
	if w, h, err := parseSize("120x36"); w != 120 || h != 36 || err != nil {
		t.Errorf("got %d, %d, %v", w, h, err)
	}
	for _, bad := range []string{"", "80", "80x", "0x24", "80x-1"} {
		if _, _, err := parseSize(bad); err == nil {
			t.Errorf("%q is a size", bad)
		}
	}
}
