// SPDX-License-Identifier: Apache-2.0

package ndjson

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// The same text is written the same way in a member, in a struct, in a list and
// in a map; a terminal is safe from it, and a program gets it back.
func FuzzText(f *testing.F) {
	for _, s := range []string{
		"", "nginx", "a\"b\\c", "<&>", "\x1b[2J\x7f", "é\u2028", "\xff", "\u009b31m", "\u202eevil", "grün 漢字", "\U000e0001x", "\ufffd", "\\u001b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var members, structs bytes.Buffer
		type object struct {
			K string   `json:"k"`
			L []string `json:"l"`
		}
		err1 := NewWriter(&members).WriteMembers([]Member{{"k", s}, {"l", []string{s}}})
		err2 := NewWriter(&structs).Write(object{s, []string{s}})
		if err1 != nil || err2 != nil || members.String() != structs.String() {
			t.Fatalf("%q: %q (%v), %q (%v)", s, members.String(), err1, structs.String(), err2)
		}
		line, ended := strings.CutSuffix(members.String(), "\n")
		if acts := func(r rune) bool { return !unicode.IsPrint(r) }; !ended || strings.ContainsFunc(line, acts) || !utf8.ValidString(line) {
			t.Errorf("%q is written as %q", s, line)
		}
		var got object
		if err := json.Unmarshal([]byte(line), &got); err != nil || got.K != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Errorf("%q comes back as %q (%v)", s, got.K, err)
		}
	})
}

func TestWriteMembers(t *testing.T) {
	var b bytes.Buffer
	if err := NewWriter(&b).WriteMembers([]Member{{"a", 1}, {"b", "<&>\u009b"}, {"c", []int{}}}); err != nil {
		t.Fatal(err)
	}
	if want := `{"a":1,"b":"<&>\u009b","c":[]}` + "\n"; b.String() != want {
		t.Errorf("got %s, want %s", b.String(), want)
	}
	if err := NewWriter(&b).WriteMembers([]Member{{"f", func() {}}}); err == nil {
		t.Error("a function is JSON")
	}
}

func TestSecondsAreShort(t *testing.T) {
	for d, want := range map[time.Duration]string{13710859149: "13.710859", 300 * time.Millisecond: "0.3", time.Minute: "60"} {
		if got, err := json.Marshal(Seconds(d)); err != nil || string(got) != want {
			t.Errorf("%v is written %s (%v), not %s", d, got, err, want)
		}
	}
}
