// SPDX-License-Identifier: Apache-2.0

package shell

import "testing"

func TestCommandsAreReadBack(t *testing.T) {
	for _, c := range []Command{
		New("sysctl", "-w", "net.core.somaxconn=4096"), New("nft", "list ruleset", "", "it's", "$(x)", "a\x1bb", "\x00", "ü", ">", "a b; c"),
		New("nft").Into("a file"), New("nft", "x").Into("it's").By([]string{"ip", "netns", "exec", "a'b"}), {},
	} {
		text, err := c.MarshalText()
		var got Command
		if err2 := got.UnmarshalText(text); err != nil || err2 != nil || !got.Equal(c) {
			t.Errorf("%q is read as %#v (%v, %v)", text, got, err, err2)
		}
	}
}

// What more than runs a program is no command.
func TestOtherLinesAreNoCommand(t *testing.T) {
	for _, line := range []string{
		"a; b", "a $(b)", "a `b`", "a | b", "a & b", "a > b > c", "a\nb", "'a", `"a`, `$'\x41'`, `a\ b`, "a  b", " a", "a >b", "a ~", "é", "# a",
	} {
		c := New("before")
		if err := c.UnmarshalText([]byte(line)); err != nil || !c.IsZero() {
			t.Errorf("%q is read as %#v (%v)", line, c, err)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add(`sysctl -w 'a b' "'"$'\033' > x`)
	f.Fuzz(func(t *testing.T, line string) {
		var c Command
		if err := c.UnmarshalText([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if got := c.String(); !c.IsZero() && got != line {
			t.Errorf("%q is read as %q", line, got)
		}
	})
}
