// SPDX-License-Identifier: Apache-2.0

package man

import "testing"

// TestEscape: what troff would act on is seen as it is.
func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		".SH": `\&.SH`, "'quoted'": `\(aqquoted\(aq`, `a\b`: `a\eb`, "--json": `\-\-json`, "plain": "plain", `"x"`: `\(dqx\(dq`,
	} {
		if got := escape(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestParagraphs(t *testing.T) {
	var r roff
	r.paragraphs("one\ntwo\n\n  a  b\n  c\n\nend")
	const want = "one\ntwo\n.PP\n.RS \"4\"\n.nf\na  b\nc\n.fi\n.RE\n.PP\nend\n"
	if got := r.text.String(); got != want {
		t.Errorf("got %s", got)
	}
}
