// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net/netip"
	"strings"
	"time"
)

// maxHTML is how many bytes an HTML report has at most.
const maxHTML = 400_000

//go:embed assets
var assets embed.FS

func asset(name string) string {
	data, err := assets.ReadFile("assets/" + name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return string(data)
}

// The page has one element of style and one of scripts, which its policy names by their hashes.
var (
	style  = asset("uPlot.min.css") + "\n" + asset("report.css")
	script = asset("uPlot.iife.min.js") + "\n" + asset("timeline.js") + "\n" + asset("report.js")
)

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"group": group, "when": when, "hosts": hostsWords, "address": address, "change": changeWords,
	"share": share, "part": func(part, whole uint64) string { return decimal(100 * float64(part) / float64(max(whole, 1))) },
	"bar":    func(used, limit uint32) gauge { return newGauge(used, limit) },
	"prefix": func(p netip.Prefix) string { return clean(p.String(), maxName) },
}).ParseFS(assets, "assets/*.tmpl"))

// page is what the template is made of.
type page struct {
	*Report
	Policy   string
	Style    template.CSS
	Script   template.JS
	Chart    *chart
	Numbers  *numbers
	Zoomable *zoomable
	Bars     *bars
	Heat     *heat
	Sparks   map[string]spark
}

// HTML writes the report as one file that needs nothing else and asks for nothing. It has
// as many rows as there is room for.
func (r *Report) HTML(w io.Writer) error {
	for most := roomy; ; most = most.half() {
		var b bytes.Buffer
		if err := pages.ExecuteTemplate(&b, "page.tmpl", newPage(r.cut(most))); err != nil {
			return fmt.Errorf("make the HTML report: %w", err)
		}
		if b.Len() <= maxHTML || most == (room{}) {
			_, err := b.WriteTo(w)
			return err
		}
	}
}

func newPage(r *Report) *page {
	p := &page{Report: r, Policy: policy(), Style: template.CSS(style), Script: template.JS(script), Sparks: map[string]spark{}}
	if r.Timeline.Steps > 0 && len(r.Timeline.Series) > 0 {
		p.Chart, p.Numbers, p.Zoomable = newChart(&r.Timeline), newNumbers(&r.Timeline), newZoomable(&r.Timeline)
		for i := range r.Timeline.Series {
			p.Sparks[r.Timeline.Series[i].Name()] = newSpark(&r.Timeline.Series[i], r.Timeline.color(i))
		}
		for i := range r.Timeline.Others {
			p.Sparks[r.Timeline.Others[i].Name()] = newSpark(&r.Timeline.Others[i], "c-other")
		}
	}
	p.Bars, p.Heat = newBars(r), newHeat(r)
	return p
}

// policy forbids the page everything but its own style and script.
func policy() string {
	return strings.Join([]string{
		"default-src 'none'", "style-src '" + hash(style) + "'", "script-src '" + hash(script) + "'", "base-uri 'none'", "form-action 'none'",
	}, "; ")
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Opens says whether a finding is to be read at once: no other is worse. Those that are
// not so bad are folded.
func (p *page) Opens(f Finding) bool { return f.Severity == p.Findings[0].Severity }

// Tiles are the numbers that the page begins with.
func (p *page) Tiles() []Tile {
	tiles := []Tile{{group(p.Drops), "drops", "", false}}
	if p.Chart != nil {
		step, drops := p.Timeline.Peak()
		at := p.Timeline.Begin.Add(p.Timeline.Step * time.Duration(step)).UTC()
		tiles = append(tiles, Tile{rate(float64(drops) / p.Timeline.Step.Seconds()), "a second at the peak", at.Format(clock) + " UTC", false})
	}
	if main := p.main(); main != nil {
		tiles = append(tiles, Tile{group(uint64(main.NumSources)), "sources", "of " + main.ID, false})
	}
	equal := 0
	for i := range p.Reconcile {
		if p.Reconcile[i].Equal() {
			equal++
		}
	}
	if n := len(p.Reconcile) + p.Cut.Reconcile; n > 0 {
		tiles = append(tiles, Tile{fmt.Sprintf("%d/%d", equal+p.Cut.equal, n), "counters equal", "the kernel's and what was attributed", equal+p.Cut.equal < n})
	}
	return append(tiles, Tile{group(p.Lost + p.Unattributed), "lost or unattributed", "", p.Lost+p.Unattributed > 0})
}

// Tile is a number and what it is of.
type Tile struct {
	Number, What, More string
	Bad                bool
}
