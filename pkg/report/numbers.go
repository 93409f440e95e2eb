// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"time"
)

// maxNumbers is how many rows the timeline has as a table.
const maxNumbers = 40

// numbers is the timeline as a table.
type numbers struct {
	Step  time.Duration
	Names []string
	Rows  []numberRow
}

type numberRow struct {
	Time   string
	Counts []uint64
}

func newNumbers(whole *Timeline) *numbers {
	t := whole.Coarser(maxNumbers)
	n := &numbers{Step: t.Step}
	for i := range t.Series {
		n.Names = append(n.Names, t.Series[i].Name())
	}
	for i := range t.Steps {
		row := numberRow{Time: when(t.Begin.Add(t.Step * time.Duration(i)))}
		for _, s := range t.Series {
			row.Counts = append(row.Counts, s.Counts[i])
		}
		n.Rows = append(n.Rows, row)
	}
	return n
}

// zoomable is the timeline for the script that lets one look closer.
type zoomable struct {
	// Begin and Step are in seconds.
	Begin  float64          `json:"begin"`
	Step   float64          `json:"step"`
	Steps  int              `json:"steps"`
	Series []zoomableSeries `json:"series"`
}

type zoomableSeries struct {
	Name   string   `json:"name"`
	Color  string   `json:"color"`
	Counts []uint64 `json:"counts"`
}

func newZoomable(t *Timeline) *zoomable {
	z := &zoomable{Begin: float64(t.Begin.UnixMilli()) / 1000, Step: t.Step.Seconds(), Steps: t.Steps}
	for i := range t.Series {
		z.Series = append(z.Series, zoomableSeries{t.Series[i].Name(), t.color(i), t.Series[i].Counts})
	}
	return z
}

// The measures of a small line.
const sparkWidth, sparkHeight, sparkSteps = 120, 22, 60

// spark is how a cause went over time, small.
type spark struct {
	Width, Height int
	Color, Path   string
}

func newSpark(of *Series, color string) spark {
	counts := of.coarser((len(of.Counts) + sparkSteps - 1) / sparkSteps)
	most := uint64(1)
	for _, n := range counts {
		most = max(most, n)
	}
	var d strings.Builder
	width := float64(sparkWidth) / float64(len(counts))
	d.WriteString("M0 " + decimal(sparkHeight))
	for i, n := range counts {
		y := sparkHeight - float64(n)/float64(most)*(sparkHeight-1)
		d.WriteString("V" + decimal(y) + "H" + decimal(width*float64(i+1)))
	}
	d.WriteString("V" + decimal(sparkHeight) + "z")
	return spark{sparkWidth, sparkHeight, color, d.String()}
}

// gauge is how much of a limit is used, as a bar.
type gauge struct {
	Width, Height, Fill int
	Full                bool
	Share               string
}

const gaugeWidth, gaugeHeight = 160, 12

func newGauge(used, limit uint32) gauge {
	g := gauge{Width: gaugeWidth, Height: gaugeHeight, Share: share(uint64(used), uint64(limit))}
	g.Fill = int(min(fill(used, limit), 1) * gaugeWidth)
	g.Full = limit > 0 && used >= limit
	return g
}
