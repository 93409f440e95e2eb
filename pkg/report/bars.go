// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/synwatch/synwatch/pkg/cause"
)

// The measures of the drawing of sources.
const (
	barsWidth, barsRow   = 960, 24
	barsRight, barsGauge = 90, 16
	maxSourceBars        = 12
)

// bars are the sources with the most drops, each by its causes.
type bars struct {
	Width, Height, Left, LabelRight int
	Description                     string
	Rows                            []barRow
}

type barRow struct {
	Label, Count string
	Middle, Top  int
	CountAt      string
	Height       int
	Segments     []segment
}

type segment struct{ Color, X, Width, Name string }

func newBars(r *Report) *bars {
	if len(r.Sources) == 0 {
		return nil
	}
	shown := r.Sources[:min(len(r.Sources), maxSourceBars)]
	left := r.labelWidth(shown)
	b := &bars{Width: barsWidth, Left: left, LabelRight: left - 10}
	most := r.Sources[0].Count
	var words []string
	for i := range shown {
		s := &shown[i]
		row := barRow{
			Label: r.sourceLabel(s), Count: group(s.Count),
			Top: i*barsRow + (barsRow-barsGauge)/2, Middle: i*barsRow + barsRow/2, Height: barsGauge,
		}
		x := float64(left)
		for _, c := range s.causes() {
			width := float64(s.ByCause[c]) / float64(most) * float64(barsWidth-left-barsRight)
			row.Segments = append(row.Segments, segment{r.colorOf(c), decimal(x), decimal(width), fmt.Sprintf("%s: %s", c.ID, group(s.ByCause[c]))})
			x += width
		}
		row.CountAt = decimal(x + 8)
		b.Rows = append(b.Rows, row)
		words = append(words, row.Label+" "+row.Count)
	}
	b.Height = len(b.Rows) * barsRow
	b.Description = "Bars of the sources with the most drops: " + strings.Join(words, ", ") + ". The table of sources has the same numbers by cause."
	return b
}

// sourceLabel names a source, with its host if there are several.
func (r *Report) sourceLabel(s *Source) string {
	if !r.Fleet() {
		return clip(address(s.Src))
	}
	return clip(address(s.Src) + " on " + s.Host)
}

// labelWidth is the room that the labels of sources take beside a drawing.
func (r *Report) labelWidth(sources []Source) int {
	const character, margin = 6.7, 20
	longest := 0
	for i := range sources {
		longest = max(longest, utf8.RuneCountInString(r.sourceLabel(&sources[i])))
	}
	return margin + int(character*float64(longest))
}

// clip is what fits beside a drawing.
func clip(s string) string {
	const most = 42
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}

// colorOf is the colour that the timeline gives a cause.
func (r *Report) colorOf(c *cause.Cause) string {
	for i := range r.Timeline.Series {
		if known := r.Timeline.Series[i].Cause; known != nil && known.ID == c.ID {
			return r.Timeline.color(i)
		}
	}
	return "c-other"
}
