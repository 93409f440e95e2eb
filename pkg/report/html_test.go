// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/capture"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/shell"
	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/text/texttest"
	"golang.org/x/net/html"
)

func htmlOf(t testing.TB, r *Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// elements are all elements of a page, in their order.
func elements(t testing.TB, page []byte) []*html.Node {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var all []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			all = append(all, n)
		}
	}
	return all
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func inner(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

func TestHTMLHasEverySection(t *testing.T) {
	page := htmlOf(t, fleetReport(t))
	all := elements(t, page)
	has := func(tag, words string) bool {
		return slices.ContainsFunc(all, func(n *html.Node) bool { return n.Data == tag && strings.Contains(inner(n), words) })
	}
	for _, want := range [][2]string{
		{"h1", "30,774 drops on 2 hosts, 75 % accept-queue-full"}, {"dd", "the capture still grows"}, {"dd", "10.9.0.0/26"},
		{"h2", "What to do"}, {"code", "sysctl -w net.core.somaxconn=8192"}, {"p", "on web1, web2"},
		{"title", "Drops a second over time, by cause"}, {"title", "Sources against causes"}, {"td", "web2"},
		{"td", "listen backlog"}, {"td", "equal"}, {"td", "differs"}, {"li", "socket-backlog-full"}, {"td", "still grows"},
	} {
		if !has(want[0], want[1]) {
			t.Errorf("no %s has %q", want[0], want[1])
		}
	}
}

// What is to be done first is open to read, and what may wait is folded.
func TestTheWorstFindingsAreOpen(t *testing.T) {
	var got []string
	for _, n := range elements(t, htmlOf(t, outageReport(t))) {
		if class := attribute(n, "class"); n.Data == "details" && strings.HasPrefix(class, "finding ") {
			if slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "open" }) {
				class += " open"
			}
			got = append(got, class)
		}
	}
	if want := []string{"finding critical open", "finding warning"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Whoever does not see a drawing is told what it shows.
func TestDrawingsAreTold(t *testing.T) {
	told := 0
	for _, n := range elements(t, htmlOf(t, outageReport(t))) {
		if n.Data != "svg" || attribute(n, "aria-hidden") == "true" {
			continue
		}
		told++
		var title, desc string
		for c := range n.ChildNodes() {
			switch c.Data {
			case "title":
				title = inner(c)
			case "desc":
				desc = inner(c)
			}
		}
		if attribute(n, "role") != "img" || title == "" || desc == "" {
			t.Errorf("a drawing has role %q, title %q and description %q", attribute(n, "role"), title, desc)
		}
	}
	if told < 5 {
		t.Errorf("only %d drawings", told)
	}
}

// The policy lets the page's own style and script in and nothing else; nothing in the page
// would ask the network for anything, or be kept from working by the policy.
func TestPolicy(t *testing.T) {
	var policy string
	hashes := map[string][]string{}
	for _, n := range elements(t, htmlOf(t, outageReport(t))) {
		if attribute(n, "http-equiv") == "Content-Security-Policy" {
			policy = attribute(n, "content")
		}
		if n.Data == "style" || n.Data == "script" && attribute(n, "type") == "" {
			sum := sha256.Sum256([]byte(inner(n)))
			hashes[n.Data] = append(hashes[n.Data], base64.StdEncoding.EncodeToString(sum[:]))
		}
		for _, a := range n.Attr {
			if slices.Contains([]string{"src", "href", "style", "action", "data", "srcset", "poster"}, a.Key) || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
		if slices.Contains([]string{"link", "img", "iframe", "object", "embed", "base", "form", "image", "use"}, n.Data) {
			t.Errorf("there is a <%s>", n.Data)
		}
	}
	if len(hashes["style"]) != 1 || len(hashes["script"]) != 1 {
		t.Fatalf("elements of style and script: %v", hashes)
	}
	want := fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'", hashes["style"][0], hashes["script"][0])
	if policy != want {
		t.Errorf("the policy is %s, want %s", policy, want)
	}
	for _, forbidden := range []string{"url(", "@import", "fetch(", "XMLHttpRequest", "import("} {
		if strings.Contains(style+script, forbidden) {
			t.Errorf("style or script has %s", forbidden)
		}
	}
}

// The most that a state holds of sources, and of places.
const maxSources, maxPlaces = 65536, 4096

// worst is a capture with every cause and so many sources and places, everything called in
// a hostile way.
func worst(name string, sources, places int) *state.Snapshot {
	s := &state.Snapshot{Time: noon.Add(time.Hour), Duration: time.Hour, Timeline: state.Timeline{Begin: noon, Step: time.Second, ByCause: map[*cause.Cause][]uint64{}}}
	s.Start.Machine.Name, s.Start.Machine.Kernel, s.Start.Version, s.Start.Time = name, name, name, noon
	for i, c := range cause.All() {
		s.Start.Blind = append(s.Start.Blind, name+c.ID)
		counts := make([]uint64, 3600)
		for at := range counts {
			counts[at] = 1 << 40
		}
		s.Timeline.ByCause[c] = counts
		total := state.Cause{Cause: c, Count: 1 << 50, NumSources: 65536, Range: &stream.RangeTotal{Prefix: netip.MustParsePrefix("2001:db8::/32"), Count: 1 << 49, NumSources: 65536}}
		for k := range sources / len(cause.All()) {
			src := netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(i), 9, 8, 7, 6, 5, 4, 3, 2, 1, byte(k >> 8), byte(k)})
			total.Sources = append(total.Sources, state.Source{Src: src.WithZone(name), Count: 1 << 40, Last: s.Time})
		}
		s.Causes = append(s.Causes, total)
		s.Drops += total.Count
	}
	for i := range places {
		var p state.Place
		texttest.Fill(&p, name, keepTypes)
		p.Cause, p.Netns, p.Port, p.Count = cause.All()[i%20], netns.ID{Inode: uint32(i)}, uint16(i), 1<<40
		s.Places = append(s.Places, p)
		s.Reconcile = append(s.Reconcile, stream.Row{Netns: uint32(i), NetnsName: name, Counter: name, Kernel: 1, Why: name})
		s.Tables = append(s.Tables, stream.Table{NetnsName: name, Netns: netns.ID{Inode: uint32(i + 1)}, Count: 9, Max: 9})
		var f diagnose.Finding
		texttest.Fill(&f, name, keepTypes)
		f.Title = fmt.Sprint(i, name)
		f.Changes[0].Command = shell.New("sysctl", "-w", name)
		f.Severity = diagnose.Critical
		s.Findings = append(s.Findings, f)
	}
	return s
}

// Whatever is called however, the page has the same elements, and its size is bounded.
func TestHTMLOfTheWorst(t *testing.T) {
	for i, name := range slices.Concat(hostileNames, texttest.Names) {
		sources, places := 4096, 512 // more than a report has
		if i < 2 {
			sources, places = maxSources, maxPlaces
		}
		page := htmlOf(t, New(noon, name, []Capture{{File: name, Snapshot: worst(name, sources, places), Skipped: Skipped{Count: 1 << 40, Lines: slices.Repeat([]string{name}, maxSkipped)}}}))
		if len(page) > maxHTML {
			t.Errorf("%.20q: %d bytes", name, len(page))
		}
		scripts := 0
		for _, n := range elements(t, page) {
			switch n.Data {
			case "script":
				scripts++
			case "img", "a", "iframe", "link":
				t.Errorf("%q makes a <%s>", name, n.Data)
			}
		}
		if scripts != 2 {
			t.Errorf("%q: %d elements of script", name, scripts)
		}
		for line := range strings.Lines(string(page)) {
			if strings.ContainsFunc(strings.Trim(line, "\n\t"), func(r rune) bool {
				return r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || r == '\u202e' || r == '\u2066'
			}) {
				t.Errorf("%.20q leaves control characters: %.200q", name, line)
				break
			}
		}
	}
}

// A fleet of many captures is bounded as well.
func TestHTMLOfAFleet(t *testing.T) {
	var captures []Capture
	for i := range 300 {
		captures = append(captures, Capture{File: fmt.Sprintf("host-%d.json", i), Snapshot: outage(t, fmt.Sprintf("host-%d", i))})
	}
	page := htmlOf(t, New(noon, "v0.5.0", captures))
	if len(page) > maxHTML || !bytes.Contains(page, []byte("300 hosts")) {
		t.Errorf("%d bytes", len(page))
	}
}

func TestHTMLOfNothing(t *testing.T) {
	page := htmlOf(t, New(noon, "v0.5.0", []Capture{{File: capture.Stdin, Snapshot: &state.Snapshot{}}}))
	if !bytes.Contains(page, []byte("No drops on -")) {
		t.Errorf("%s", page[:2000])
	}
}
