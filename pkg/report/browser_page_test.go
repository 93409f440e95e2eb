// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// The functions of a page that the tests use: what is seen, and the rows of the table with
// a search.
const inPage = `
	const seen = (e) => { const r = e.getBoundingClientRect(); return r.width > 0 && r.height > 0 && getComputedStyle(e).visibility === "visible"; };
	const one = (s) => document.querySelector(s);
	const all = (s) => [...document.querySelectorAll(s)];
	const sources = all("table[data-search]").find((t) => t.dataset.search.includes("sources"));
	const rows = () => [...sources.tBodies[0].rows].filter(seen);
	const head = (name) => [...sources.tHead.rows[0].cells].find((c) => c.textContent === name);
	const column = (name) => rows().map((r) => { const c = r.cells[head(name).cellIndex]; return c.dataset.v ?? c.textContent; });
	const input = sources && one("input[aria-label='" + sources.dataset.search + "']");`

// js is an expression in which the functions of inPage are known.
func js(expression string) string {
	return "(() => {" + inPage + "\nreturn " + expression + ";})()"
}

func TestBrowser(t *testing.T) {
	browser := startBrowser(t)
	for name, test := range map[string]func(*testing.T, context.Context){
		"charts": testCharts, "table": testTable, "zoom": testZoom, "copy": testCopy, "themes": testThemes, "print": testPrint,
		"without JavaScript": testWithoutJavaScript, "phone": testPhone, "policy": testPolicyHolds,
		"hostile": testHostile, "worst": testWorst, "nothing": testNothing,
	} {
		t.Run(name, func(t *testing.T) { test(t, browser) })
	}
}

func testCharts(t *testing.T, browser context.Context) {
	b := openTab(t, browser, htmlOf(t, fleetReport(t)))
	for _, title := range []string{"The sources with the most drops, by cause", "Sources against causes"} {
		if !eval[bool](b, js(`all("svg[role=img]").some((s) => seen(s) && s.querySelector("title").textContent === %s && s.querySelectorAll("rect").length > 5)`), title) {
			t.Errorf("no drawing is called %s", title)
		}
	}
	if !eval[bool](b, js(`seen(one("#zoom canvas")) && !seen(one("#drawn"))`)) {
		t.Error("no timeline to look closer at")
	}
	// Each series has its colour somewhere in the picture.
	missing := eval[[]string](b, js(`(() => {
		const canvas = one("#zoom canvas"), pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
		const there = new Set();
		for (let i = 0; i < pixels.length; i += 4) there.add(pixels[i] + "," + pixels[i+1] + "," + pixels[i+2] + "," + pixels[i+3]);
		return all(".legend rect").filter((r) => !there.has(getComputedStyle(r).fill.match(/\d+/g).join(",") + ",255")).map((r) => r.className.baseVal);
	})()`))
	if len(missing) > 0 {
		t.Errorf("the timeline does not show %q", missing)
	}
	if n := eval[int](b, js(`all(".gauge").filter(seen).length`)); n < 3 {
		t.Errorf("%d bars of limits", n)
	}
	b.quiet()
}

func testTable(t *testing.T, browser context.Context) {
	b := openTab(t, browser, htmlOf(t, fleetReport(t)))
	rows := eval[int](b, js(`rows().length`))
	if rows < 20 {
		t.Fatalf("%d rows", rows)
	}
	order := func(column, clicked string) []string {
		t.Helper()
		eval[bool](b, js(`(head(%s).querySelector("button").click(), true)`), clicked)
		if n := eval[int](b, js(`sources.querySelectorAll("[aria-sort]").length`)); n != 1 {
			t.Errorf("%d columns are said to be sorted", n)
		}
		return eval[[]string](b, js(`column(%s)`), column)
	}
	number := func(a, b string) int { return len(a)*1e6 + strings.Compare(a, b) - len(b)*1e6 }
	if got := order("Drops", "Drops"); !slices.IsSortedFunc(got, func(a, b string) int { return number(b, a) }) {
		t.Errorf("the most first: %q", got)
	}
	if got := order("Drops", "Drops"); !slices.IsSortedFunc(got, number) || len(got) != rows {
		t.Errorf("the least first: %q", got)
	}
	if got := order("Host", "Host"); !slices.IsSorted(got) || got[0] == got[len(got)-1] {
		t.Errorf("by host: %q", got)
	}
	if got := order("Source", "Source"); got[0] != "10.9.0.1" || slices.Index(got, "10.9.0.3") > slices.Index(got, "10.9.0.10") {
		t.Errorf("by source: %q", got) // as numbers, not as letters
	}
	search := func(words string, keep func(row string) bool) {
		t.Helper()
		eval[bool](b, js(`(input.value = "", input.focus(), true)`))
		b.do(chromedp.SendKeys(chromedp.CSS(`input[aria-label="Search the sources"]`), words+" "))
		want := 0
		for _, row := range eval[[]string](b, js(`[...sources.tBodies[0].rows].map((r) => r.textContent)`)) {
			if keep(row) {
				want++
			}
		}
		b.becomes(js(`rows().length === %s && input.parentElement.textContent.includes(%s)`), want, fmt.Sprintf("%d of %d rows", want, rows))
		if want == 0 || want == rows {
			t.Errorf("%s finds %d of %d rows", words, want, rows)
		}
	}
	search("203.0.113", func(row string) bool { return strings.Contains(row, "203.0.113.") })
	search("WEB2 conntrack", func(row string) bool { return strings.Contains(row, "web2") && strings.Contains(row, "conntrack") })
	b.quiet()
}

func testZoom(t *testing.T, browser context.Context) {
	b := openTab(t, browser, htmlOf(t, outageReport(t)))
	const reset = `[...document.querySelectorAll("#zoom button")].find((b) => b.textContent === "Whole run")`
	if !eval[bool](b, reset+".disabled") {
		t.Error("it begins with a part of the run")
	}
	b.do(chromedp.ScrollIntoView(chromedp.CSS("#zoom canvas")))
	at := eval[[]float64](b, `(() => { const r = document.querySelector("#zoom .u-over").getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; })()`)
	x, y := at[0]+at[2]/4, at[1]+at[3]/2
	b.do(chromedp.DragAndDropXY(x, y, x+at[2]/3, y, 5))
	b.becomes("!" + reset + ".disabled")
	b.becomes(`document.querySelector("#zoom [role=status]").textContent.includes(":")`)
	eval[bool](b, "("+reset+".click(), true)")
	b.becomes(reset + ".disabled")
	b.quiet()
}

func testCopy(t *testing.T, browser context.Context) {
	b := openTab(t, browser, htmlOf(t, outageReport(t)))
	b.do(chromedp.Click(chromedp.CSS(".command button")))
	b.becomes(`["Copied", "Selected"].includes(document.querySelector(".command button").textContent)`)
	b.becomes(`document.querySelector(".command button").textContent === "Copy"`)
	b.quiet()
}

// unreadable lists the texts that do not stand out from what is behind them (WCAG 2,
// contrast of 4.5).
const unreadable = `(() => {
	const channels = (c) => c.match(/[\d.]+/g).map(Number);
	const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const behind = (e) => { for (; e; e = e.parentElement) { const c = channels(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
	return all("body *").filter((e) => !e.closest("svg") && !e.disabled && seen(e) && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).filter((e) => {
		const a = light(channels(getComputedStyle(e).color).slice(0, 3)), b = light(behind(e).slice(0, 3));
		return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
	}).map((e) => e.tagName + "." + e.className + ": " + e.textContent.slice(0, 40));
})()`

func testThemes(t *testing.T, browser context.Context) {
	b := openTab(t, browser, htmlOf(t, outageReport(t)))
	background := map[string]string{}
	pixel := map[string]string{}
	for _, theme := range []string{"light", "dark", "light"} {
		b.media("", theme)
		b.becomes(`matchMedia("(prefers-color-scheme: ` + theme + `)").matches`)
		if texts := eval[[]string](b, js(unreadable)); len(texts) > 0 {
			t.Errorf("%s: not to be read: %q", theme, texts)
		}
		background[theme] = eval[string](b, `getComputedStyle(document.body).backgroundColor`)
		b.becomes(js(`(() => {
			const canvas = one("#zoom canvas"), pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
			const [r, g, b] = getComputedStyle(one(".legend rect")).fill.match(/\d+/g).map(Number);
			for (let i = 0; i < pixels.length; i += 4) if (pixels[i] === r && pixels[i+1] === g && pixels[i+2] === b) return true;
			return false;
		})()`))
		pixel[theme] = eval[string](b, `getComputedStyle(document.querySelector(".legend rect")).fill`)
	}
	if background["light"] != "rgb(255, 255, 255)" || background["dark"] == background["light"] || pixel["dark"] == pixel["light"] {
		t.Errorf("backgrounds %v, first colours %v", background, pixel)
	}
	b.quiet()
}

func testPrint(t *testing.T, browser context.Context) {
	b := openTab(t, browser, htmlOf(t, fleetReport(t)))
	b.media("print", "dark") // paper is white all the same
	if !eval[bool](b, js(`!seen(one("#zoom")) && seen(one("#drawn svg")) && !all("input, .command button").some(seen)`)) {
		t.Error("what only a screen can do is printed, or the timeline is not")
	}
	if got := eval[string](b, `getComputedStyle(document.body).backgroundColor`); got != "rgb(255, 255, 255)" {
		t.Errorf("the paper is %s", got)
	}
	if folded := eval[[]string](b, js(`all("details.finding").filter((d) => !seen(d.querySelector(".id"))).map((d) => d.textContent.slice(0, 60))`)); len(folded) > 0 {
		t.Errorf("printed folded: %q", folded)
	}
	if cut := eval[[]string](b, js(`all(".scroll, .wide").filter((e) => seen(e) && getComputedStyle(e).overflowX !== "visible").map((e) => e.textContent.slice(0, 60))`)); len(cut) > 0 {
		t.Errorf("cut off at the margin: %q", cut)
	}
	b.media("", "")
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4)))
	if err != nil || !bytes.HasPrefix(pdf, []byte("%PDF-")) || len(pdf) < 20_000 {
		t.Errorf("printed: %v, %d bytes", err, len(pdf))
	}
	b.quiet()
}

func testWithoutJavaScript(t *testing.T, browser context.Context) {
	off := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
	b := openTab(t, browser, htmlOf(t, outageReport(t)), off)
	if !eval[bool](b, js(`seen(one("#drawn svg")) && !seen(one("#zoom")) && !one("canvas") && all("input, button").length === 0`)) {
		t.Error("the timeline is not drawn, or there is what does nothing")
	}
	for _, heading := range []string{"What to do", "Drops over time, by cause", "Causes", "Sources", "Listeners and targets", "Was anything left out?", "Captures"} {
		if !eval[bool](b, js(`all("h2").some((h) => seen(h) && h.textContent === %s && seen(h.nextElementSibling))`), heading) {
			t.Errorf("nothing is below %s", heading)
		}
	}
	if n := eval[int](b, js(`rows().length`)); n < 20 {
		t.Errorf("%d rows of sources", n)
	}
	b.quiet()
}

func testPhone(t *testing.T, browser context.Context) {
	b := openTab(t, browser, htmlOf(t, fleetReport(t)), chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile))
	b.becomes(`innerWidth === 360`)
	if wide := eval[int](b, `document.documentElement.scrollWidth`); wide > 360 {
		t.Errorf("the page is %d wide, on a screen of 360", wide)
	}
	b.quiet()
}

// The policy is what keeps the page from the network, and a violation would be noticed.
func testPolicyHolds(t *testing.T, browser context.Context) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	evil := fmt.Sprintf(`<script>window.ran = true; fetch(%[1]q);</script><img src=%[1]q onerror="window.ran = true"><link rel="stylesheet" href=%[1]q><p style="color: red">`, server.URL)
	b := openTab(t, browser, bytes.Replace(htmlOf(t, outageReport(t)), []byte("<main>"), []byte("<main>"+evil), 1))
	if eval[bool](b, `window.ran === true`) {
		t.Error("a script ran that is not the page's")
	}
	failed := eval[bool](b, `(window.failed = null, fetch(%s).then(() => { window.failed = false; }, () => { window.failed = true; }), true)`, server.URL)
	if b.becomes(`window.failed !== null`); !failed || !eval[bool](b, `window.failed`) || asked.Load() > 0 {
		t.Errorf("the network was asked %d times", asked.Load())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.ContainsFunc(b.problems, func(p string) bool { return strings.Contains(p, "Content Security Policy") }) ||
		!slices.ContainsFunc(b.problems, func(p string) bool { return strings.HasPrefix(p, "issue: ContentSecurityPolicyIssue") }) {
		t.Errorf("violations pass unnoticed: %q", b.problems)
	}
}

func testNothing(t *testing.T, browser context.Context) {
	b := openTab(t, browser, htmlOf(t, New(noon, "v1", []Capture{captureOf(t, "nothing", nothingAtAll)})))
	if got := eval[string](b, `document.querySelector("h1").textContent`); got != "No drops on nothing" {
		t.Errorf("got %s", got)
	}
	b.quiet()
}
