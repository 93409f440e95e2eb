// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"html"
	"image/color"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// A cell, in pixels, and the room around all of them.
const (
	cellWidth, cellHeight, margin = 8.4, 17, 12
)

// The colours of a terminal that has not been told others.
var (
	background = color.RGBA{0x16, 0x18, 0x1d, 0xff}
	foreground = color.RGBA{0xd8, 0xdb, 0xe2, 0xff}
)

// palette is what a terminal shows for the first colours, which programs name by number.
var palette = [...]color.RGBA{
	{0x16, 0x18, 0x1d, 0xff}, {0xe0, 0x6c, 0x75, 0xff}, {0x8c, 0xc2, 0x65, 0xff}, {0xe5, 0xb5, 0x5a, 0xff},
	{0x61, 0xaf, 0xef, 0xff}, {0xc6, 0x78, 0xdd, 0xff}, {0x56, 0xb6, 0xc2, 0xff}, {0xd8, 0xdb, 0xe2, 0xff},
	{0x6b, 0x72, 0x80, 0xff}, {0xff, 0x7b, 0x85, 0xff}, {0xa5, 0xe0, 0x75, 0xff}, {0xff, 0xd1, 0x6b, 0xff},
	{0x7c, 0xc4, 0xff, 0xff}, {0xde, 0x8c, 0xf5, 0xff}, {0x6b, 0xd4, 0xe0, 0xff}, {0xff, 0xff, 0xff, 0xff},
}

// unbroken stands for a blank: a reader of SVG makes one of several of those.
const unbroken = "\u00a0"

// cells is a screen.
type cells interface{ CellAt(x, y int) *uv.Cell }

// run of cells of one style.
type span struct {
	x, width int
	text     string
	style    uv.Style
}

// svg draws a screen. Each run of cells is stretched to its columns, so that they stand
// below each other in any font.
func svg(screen cells, width, height int, title string) string {
	var s strings.Builder
	w, h := float64(width)*cellWidth+2*margin, height*cellHeight+2*margin
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %d" width="%g" height="%d" role="img">
<title>%s</title>
<rect width="100%%" height="100%%" rx="8" fill="%s"/>
<g font-family="ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace" font-size="14" fill="%s">
`, w, h, w, h, html.EscapeString(title), hex(background), hex(foreground))
	for y := range height {
		for _, run := range line(screen, width, y) {
			run.draw(&s, y)
		}
	}
	s.WriteString("</g>\n</svg>\n")
	return s.String()
}

// line is a line's runs, without the blanks at its end.
func line(screen cells, width, y int) []span {
	var runs []span
	for x := 0; x < width; {
		text, columns, style := " ", 1, uv.Style{}
		if c := screen.CellAt(x, y); c != nil {
			style, columns = c.Style, max(c.Width, 1)
			if c.Content != "" {
				text = c.Content
			}
		}
		if n := len(runs); n > 0 && runs[n-1].style.Equal(&style) {
			runs[n-1].text += text
			runs[n-1].width += columns
		} else {
			runs = append(runs, span{x, columns, text, style})
		}
		x += columns
	}
	return runs
}

func (r span) draw(s *strings.Builder, y int) {
	fg, bg := r.style.Fg, r.style.Bg
	if r.style.Attrs&uv.AttrReverse != 0 {
		fg, bg = orElse(bg, background), orElse(fg, foreground)
	}
	left, top := margin+float64(r.x)*cellWidth, margin+y*cellHeight
	if bg != nil {
		fmt.Fprintf(s, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", left, top, float64(r.width)*cellWidth, cellHeight, hex(bg))
	}
	blanks := len(r.text) - len(strings.TrimLeft(r.text, " "))
	text := strings.TrimSpace(r.text)
	if text == "" {
		return
	}
	trailing := len(r.text) - blanks - len(text)
	columns := r.width - blanks - trailing
	fmt.Fprintf(s, `<text x="%.1f" y="%d" textLength="%.1f" lengthAdjust="spacingAndGlyphs"%s>%s</text>`+"\n",
		left+float64(blanks)*cellWidth, top+13, float64(columns)*cellWidth, attributes(r.style, fg), strings.ReplaceAll(html.EscapeString(text), " ", unbroken))
}

func attributes(style uv.Style, fg color.Color) string {
	var a string
	if fg != nil {
		a += ` fill="` + hex(fg) + `"`
	}
	if style.Attrs&uv.AttrBold != 0 {
		a += ` font-weight="bold"`
	}
	if style.Attrs&uv.AttrFaint != 0 {
		a += ` opacity="0.6"`
	}
	if style.Underline != 0 {
		a += ` text-decoration="underline"`
	}
	return a
}

func orElse(c, other color.Color) color.Color {
	if c == nil {
		return other
	}
	return c
}

func hex(c color.Color) string {
	if basic, ok := c.(ansi.BasicColor); ok && int(basic) < len(palette) {
		c = palette[basic]
	}
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}
