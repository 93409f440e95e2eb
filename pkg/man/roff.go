// SPDX-License-Identifier: Apache-2.0

package man

import "strings"

// roff is the text of a page, made of man(7)'s macros.
type roff struct{ text strings.Builder }

// escaper writes what is to be seen as it is: troff reads \, and makes a hyphen of -.
var escaper = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`)

// escape writes a text that may begin a line, where . is a request.
func escape(text string) string {
	text = escaper.Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}

func bold(text string) string   { return `\fB` + escape(text) + `\fP` }
func italic(text string) string { return `\fI` + escape(text) + `\fP` }

// macro puts a request with arguments, which are quoted.
func (r *roff) macro(name string, args ...string) {
	r.text.WriteString("." + name)
	for _, arg := range args {
		r.text.WriteString(` "` + escape(arg) + `"`)
	}
	r.text.WriteByte('\n')
}

// line puts a line that is escaped already.
func (r *roff) line(escaped string) { r.text.WriteString(escaped + "\n") }

// paragraphs puts a text whose paragraphs are parted by empty lines. Indented lines stay
// as they are.
func (r *roff) paragraphs(text string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			r.macro("PP")
		}
		if strings.HasPrefix(paragraph, " ") {
			r.verbatim(paragraph)
			continue
		}
		for line := range strings.SplitSeq(paragraph, "\n") {
			r.line(escape(line))
		}
	}
}

// verbatim puts lines as they are.
func (r *roff) verbatim(text string) {
	r.macro("RS", "4")
	r.macro("nf")
	for line := range strings.SplitSeq(text, "\n") {
		r.line(escape(strings.TrimPrefix(line, "  ")))
	}
	r.macro("fi")
	r.macro("RE")
}
