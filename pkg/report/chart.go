// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The measures of the timeline's drawing.
const (
	chartWidth, chartHeight                      = 960, 300
	chartLeft, chartRight, chartTop, chartBottom = 56, 8, 10, 28
	// maxBars is how many bars can be told apart on paper.
	maxBars = 120
)

// chart is the timeline as stacked bars.
type chart struct {
	Width, Height            int
	Left, Right, Top, Bottom int // of the plot
	Description              string
	Layers                   []layer
	Rates, Times             []tick
}

// layer is the bars of a cause, as an SVG path.
type layer struct {
	Color       string // a class
	Name, Share string
	Total       uint64
	Path        string
}

// tick is a line of the scale.
type tick struct{ At, Label string }

// color is the class that gives the i-th series its colour.
func (t *Timeline) color(i int) string {
	if t.Series[i].Cause == nil {
		return "c-other"
	}
	return "c" + strconv.Itoa(i)
}

func newChart(whole *Timeline) *chart {
	t := whole.Coarser(maxBars)
	c := &chart{Width: chartWidth, Height: chartHeight, Left: chartLeft, Right: chartWidth - chartRight, Top: chartTop, Bottom: chartHeight - chartBottom}
	peak, most := t.Peak()
	top := niceTop(float64(most) / t.Step.Seconds())
	y := func(drops uint64) float64 {
		return float64(c.Bottom) - float64(drops)/t.Step.Seconds()/top*float64(c.Bottom-c.Top)
	}
	base, total := make([]uint64, t.Steps), uint64(0)
	for _, s := range t.Series {
		total += s.Total
	}
	for i := range t.Series {
		s := &t.Series[i]
		c.Layers = append(c.Layers, layer{t.color(i), s.Name(), share(s.Total, total), s.Total, c.path(s.Counts, base, y)})
	}
	for i := range 5 {
		r := top * float64(i) / 4
		c.Rates = append(c.Rates, tick{decimal(float64(c.Bottom) - float64(i)/4*float64(c.Bottom-c.Top)), rateLabel(r)})
	}
	c.Times = c.times(&t)
	c.Description = fmt.Sprintf("Stacked bars of %s each. The most, %s in a second on average, are in the one that begins at %s UTC. By cause: %s.",
		t.Step, rate(float64(most)/t.Step.Seconds()), when(t.Begin.Add(t.Step*time.Duration(peak))), c.totals())
	return c
}

func (c *chart) totals() string {
	var words []string
	for _, l := range c.Layers {
		words = append(words, fmt.Sprintf("%s %s (%s)", l.Name, group(l.Total), l.Share))
	}
	return strings.Join(words, ", ")
}

// path draws a bar for each count upon those that are there.
func (c *chart) path(counts, base []uint64, y func(uint64) float64) string {
	var d strings.Builder
	width := float64(c.Right-c.Left) / float64(len(counts))
	gap := math.Min(1, width/5)
	for i, n := range counts {
		if n == 0 {
			continue
		}
		x, from, to := float64(c.Left)+width*float64(i), y(base[i]), y(base[i]+n)
		fmt.Fprintf(&d, "M%s %sV%sH%sV%sz", decimal(x), decimal(from), decimal(to), decimal(x+width-gap), decimal(from))
		base[i] += n
	}
	return d.String()
}

// times are at most six round times.
func (c *chart) times(t *Timeline) []tick {
	whole := t.Step * time.Duration(t.Steps)
	apart := niceStep(whole / 5)
	layout := clock
	if whole > 24*time.Hour {
		layout = "01-02 15:04"
	}
	var ticks []tick
	for at := t.Begin.UTC().Truncate(apart); at.Before(t.Begin.Add(whole)); at = at.Add(apart) {
		x := float64(c.Left) + float64(at.Sub(t.Begin))/float64(whole)*float64(c.Right-c.Left)
		if x >= float64(c.Left) && x < float64(c.Right)-20 {
			ticks = append(ticks, tick{decimal(x), at.Format(layout)})
		}
	}
	return ticks
}

// niceSteps are times that clocks show.
var niceSteps = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

func niceStep(least time.Duration) time.Duration {
	for _, d := range niceSteps {
		if d >= least {
			return d
		}
	}
	const day = 24 * time.Hour
	return (least + day - 1) / day * day
}

// niceTop is a round number that is not less and divides into four.
func niceTop(least float64) float64 {
	if least <= 0 {
		return 1
	}
	for unit := math.Pow(10, math.Floor(math.Log10(least))); ; unit *= 10 {
		for _, times := range []float64{1, 1.2, 1.6, 2, 4, 6, 8} {
			if top := unit * times; top >= least {
				return top
			}
		}
	}
}

func rateLabel(r float64) string {
	switch {
	case r >= 1e6:
		return strconv.FormatFloat(r/1e6, 'f', -1, 64) + "M"
	case r >= 1e4:
		return strconv.FormatFloat(r/1e3, 'f', -1, 64) + "k"
	case r >= 1e3:
		return group(uint64(r))
	}
	return strconv.FormatFloat(r, 'g', 3, 64)
}

// decimal is a coordinate to a tenth.
func decimal(x float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 1, 64), ".0")
}
