// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/capture"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/shell"
	"github.com/synwatch/synwatch/pkg/sink"
	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/survey"
)

// captureOf is what is read of the file that a run on a host writes.
func captureOf(t *testing.T, host string, run func(*testing.T, stream.Sink)) Capture {
	t.Helper()
	var file bytes.Buffer
	to := sink.NewJSON(&file)
	err := to.Start(stream.Start{Time: noon, Version: "v1", Machine: survey.Machine{Name: host, Kernel: "6.12", Netns: 1}})
	if err != nil {
		t.Fatal(err)
	}
	run(t, to)
	if err := to.Flush(); err != nil {
		t.Fatal(err)
	}
	s := state.New()
	stats, err := capture.Read(&file, s, capture.Options{Skipped: func(skip capture.Skip) { t.Error(skip) }})
	if err != nil || stats.Skipped > 0 {
		t.Fatal(err, stats)
	}
	return Capture{File: host + ".json", Snapshot: s.Snapshot(time.Time{})}
}

func nothingAtAll(*testing.T, stream.Sink) {}

// The names that whoever may run a process on a machine can give.
const (
	evilProcess   = "<script>alert(1)</script>"
	evilNamespace = "web\x1b]0;pwned\x07\x1b[2J"
	evilUnit      = "\"'><img src=x onerror=alert(1)>\u202egpj.exe"
	evilContainer = "`${alert(1)}`{{.}}</style></svg><!--"
)

// evilRun drops for sources at a listener whose every name is hostile.
func evilRun(sources, listeners int) func(*testing.T, stream.Sink) {
	return func(t *testing.T, to stream.Sink) {
		causes := cause.All()
		for i := range sources {
			c := causes[i%len(causes)]
			src := netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(i), byte(i >> 8), 7, 7, 7, 7, 7, 7, 7, 7, 7, byte(i)})
			listener := &enrich.Listener{Port: 443, Process: proc.Process{PID: 812, Comm: evilProcess, Unit: evilUnit, Container: evilContainer}}
			err := to.Record(stream.Record{
				Event: event.Event{
					Time: noon.Add(time.Duration(i) * 10 * time.Millisecond), Hook: event.HookFree, Count: uint64(1 + i%1000), Direction: event.In, Proto: event.TCP,
					Src: netip.AddrPortFrom(src, 1), Dst: netip.AddrPortFrom(netip.MustParseAddr("2001:db8::1"), uint16(1+i%listeners)), Netns: netns.ID{Inode: uint32(2 + i%listeners)},
					Reason: evilProcess, Evidence: &event.Evidence{Listener: &event.Listener{AcceptQueue: 129, AcceptQueueMax: 128, Somaxconn: 4096}},
				},
				Cause: c, NetnsName: evilNamespace, Answer: enrich.Answer{Listener: listener},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		sample := stream.Sample{Time: noon.Add(time.Minute)}
		for i := range listeners {
			id := netns.ID{Inode: uint32(2 + i)}
			sample.Queues = append(sample.Queues, stream.Queue{
				Netns: id, NetnsName: evilNamespace, Listen: netip.AddrPortFrom(netip.IPv6Unspecified(), 443), Listener: &enrich.Listener{Port: 443, Process: proc.Process{PID: 1, Comm: evilProcess, Unit: evilUnit}},
				Accept: 129, AcceptMax: 128, Limit: evilUnit,
			})
			sample.Tables = append(sample.Tables, stream.Table{Netns: id, NetnsName: evilNamespace, Count: 9, Max: 10})
			sample.Reconcile = append(sample.Reconcile, stream.Row{Netns: id.Inode, NetnsName: evilNamespace, Counter: "TcpExtListenDrops", Kernel: 2, Attributed: 1, Why: evilContainer})
			sample.Findings = append(sample.Findings, diagnose.Finding{
				ID: "traced-x", Severity: diagnose.Critical, Title: fmt.Sprint(i, evilProcess), NetnsName: evilNamespace, Means: evilUnit,
				Evidence: []diagnose.Evidence{{What: evilContainer, Value: "1", Where: evilUnit}},
				Changes:  []diagnose.Change{{Do: evilUnit, Command: shell.New("echo", "net.core.somaxconn=4096", evilUnit), Why: evilContainer}},
			})
		}
		if err := to.Sample(sample); err != nil {
			t.Fatal(err)
		}
	}
}

// checkInert demands that a page shows names and nothing becomes of them.
func checkInert(t *testing.T, b *tab) {
	t.Helper()
	if n := eval[int](b, `document.querySelectorAll("script").length`); n != 2 {
		t.Errorf("%d elements of script", n)
	}
	if n := eval[int](b, `document.querySelectorAll("img, link, iframe, object, embed, a").length`); n != 0 {
		t.Errorf("%d elements that no report has", n)
	}
	if got := eval[string](b, `(document.documentElement.outerHTML.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g) ?? []).join()`); got != "" {
		t.Errorf("control characters are left: %q", got)
	}
	for _, name := range []string{evilProcess, `web\x1b]0;pwned\a\x1b[2J`, `\u202egpj.exe`} {
		if !eval[bool](b, `document.body.innerText.includes(%s)`, name) {
			t.Errorf("%s is not shown as it is", name)
		}
	}
	b.quiet()
}

func testHostile(t *testing.T, browser context.Context) {
	b := openTab(t, browser, htmlOf(t, New(noon, evilUnit, []Capture{captureOf(t, "host"+evilProcess, evilRun(300, 3))})))
	if got := eval[string](b, `document.title`); !bytes.Contains([]byte(got), []byte("on host"+evilProcess)) {
		t.Errorf("the title is %s", got)
	}
	checkInert(t, b)
}

// However much is captured of whatever, the page stays small and does what others do.
func testWorst(t *testing.T, browser context.Context) {
	var fleet []Capture
	for i := range 20 {
		fleet = append(fleet, captureOf(t, fmt.Sprintf("%d%s", i, evilUnit), evilRun(4000, 300)))
	}
	content := htmlOf(t, New(noon, "v1", fleet))
	if len(content) > maxHTML {
		t.Errorf("%d bytes", len(content))
	}
	b := openTab(t, browser, content)
	b.becomes(js(`rows().length > 20 && seen(one("#zoom canvas"))`))
	checkInert(t, b)
}
