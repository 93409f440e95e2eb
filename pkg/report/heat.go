// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/synwatch/synwatch/pkg/cause"
)

// The measures of the heat map.
const (
	heatWidth, heatTop          = 960, 118
	heatRow                     = 24
	maxHeatRows, maxHeatColumns = 16, 10
	maxHeatCell                 = 110
	heatLevels                  = 7
)

// heat is how often sources met causes.
type heat struct {
	Width, Height    int
	LabelRight, Left int
	Description      string
	Columns          []heatLabel
	Rows             []heatLabel
	Cells            []heatCell
}

type heatLabel struct {
	At   string
	Name string
}

type heatCell struct {
	X, Y, Width, Height string
	// MiddleX and MiddleY are where the count stands.
	MiddleX, MiddleY string
	Level            int
	Count            string
	Title            string
}

// newHeat is nil where it would show nothing that the bars do not: of fewer than two sources
// or causes.
func newHeat(r *Report) *heat {
	sources := r.Sources[:min(len(r.Sources), maxHeatRows)]
	causes := heatCauses(sources)
	if len(sources) < 2 || len(causes) < 2 {
		return nil
	}
	left := r.labelWidth(sources)
	cell := math.Min(maxHeatCell, float64(heatWidth-left-60)/float64(len(causes)))
	h := &heat{Width: heatWidth, Height: heatTop + heatRow*len(sources) + 2, LabelRight: left - 10, Left: left}
	for i, c := range causes {
		h.Columns = append(h.Columns, heatLabel{decimal(float64(left) + cell*(float64(i)+0.5)), c.ID})
	}
	most := uint64(1)
	for _, s := range sources {
		for _, n := range s.ByCause {
			most = max(most, n)
		}
	}
	for i := range sources {
		h.row(r, i, causes, cell, most)
	}
	h.Description = fmt.Sprintf("%d sources against %d causes; a darker field (on a dark screen a lighter one) stands for more drops, the darkest for %s. The table of sources has the same numbers.",
		len(sources), len(causes), group(most))
	return h
}

func (h *heat) row(r *Report, i int, causes []*cause.Cause, cell float64, most uint64) {
	s := &r.Sources[i]
	top := float64(heatTop + heatRow*i)
	label := r.sourceLabel(s)
	h.Rows = append(h.Rows, heatLabel{decimal(top + heatRow/2), label})
	for j, c := range causes {
		x, n := float64(h.Left)+cell*float64(j), s.ByCause[c]
		h.Cells = append(h.Cells, heatCell{
			X: decimal(x), Y: decimal(top), Width: decimal(cell - 2), Height: decimal(heatRow - 2),
			MiddleX: decimal(x + cell/2 - 1), MiddleY: decimal(top + heatRow/2), Level: level(n, most), Count: short(n),
			Title: fmt.Sprintf("%s, %s: %s", label, c.ID, group(n)),
		})
	}
}

// heatCauses are those that the sources met most.
func heatCauses(sources []Source) []*cause.Cause {
	totals := map[*cause.Cause]uint64{}
	var causes []*cause.Cause
	for _, s := range sources {
		for _, c := range s.causes() {
			if totals[c] == 0 {
				causes = append(causes, c)
			}
			totals[c] += s.ByCause[c]
		}
	}
	slices.SortFunc(causes, func(a, b *cause.Cause) int {
		return cmp.Or(cmp.Compare(totals[b], totals[a]), cmp.Compare(a.ID, b.ID))
	})
	return causes[:min(len(causes), maxHeatColumns)]
}

// level is from 0 for none to heatLevels for the most, by magnitude.
func level(n, most uint64) int {
	if n == 0 {
		return 0
	}
	if most == 1 {
		return heatLevels
	}
	return 1 + int(math.Log(float64(n))/math.Log(float64(most))*(heatLevels-1))
}

// short is a count in few characters, empty for none.
func short(n uint64) string {
	switch {
	case n == 0:
		return ""
	case n < 10_000:
		return fmt.Sprint(n)
	case n < 1_000_000:
		return fmt.Sprintf("%dk", n/1000)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1fM", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1fG", float64(n)/1e9)
}
