// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bytes"
	"errors"
	"flag"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/capture/capturetest"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/shell"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/survey"
	"github.com/synwatch/synwatch/pkg/text"
	"github.com/synwatch/synwatch/pkg/text/texttest"
	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write the golden files")

const home = 4026531840

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123000000, time.UTC)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	flag.Parse()
	os.Exit(m.Run())
}

func find(id string) *cause.Cause {
	c, ok := cause.Lookup(id)
	if !ok {
		panic("no cause " + id)
	}
	return c
}

func record(id, stage string, mod func(*stream.Record)) stream.Record {
	r := stream.Record{Cause: find(id), Stage: stage, Event: event.Event{
		Time: noon, Hook: event.HookFree, Count: 1, Netns: netns.ID{Inode: home}, Direction: event.In, Proto: event.TCP,
		Src: netip.MustParseAddrPort("10.9.0.5:20005"), Dst: netip.MustParseAddrPort("10.0.0.1:443"),
	}}
	if mod != nil {
		mod(&r)
	}
	return r
}

func listener(queue, limit, syns uint32) *event.Evidence {
	return &event.Evidence{Listener: &event.Listener{AcceptQueue: queue, AcceptQueueMax: limit,
		SynQueue: syns, MaxSynBacklog: 256, Somaxconn: 4096}}
}

// writeRun gives a sink a run with a bit of everything.
func writeRun(t *testing.T, s stream.Sink) {
	t.Helper()
	errs := []error{s.Start(stream.Start{
		Time: noon, Version: "v1.2.3", Machine: survey.Machine{Name: "box", Kernel: "6.12.1", Netns: home},
		Hooks: []event.HookState{
			{Name: "kfree_skb", Mode: event.ModeFentry, Status: event.Attached},
			{Name: "nf_conntrack_in", Status: event.Waiting, Why: "nf_conntrack is not loaded"},
		},
		Blind: []string{"syn-refused"},
	})}
	for _, r := range []stream.Record{
		record("accept-queue-full", "syn", func(r *stream.Record) {
			r.Hook, r.Evidence = event.HookConnRequest, listener(129, 128, 3)
		}),
		record("accept-queue-full", "ack", func(r *stream.Record) {
			r.Reason, r.Count, r.Facts = "TCP_LISTEN_OVERFLOW", 12, event.ResetSent
			r.Evidence = listener(4097, 4096, 0)
		}),
		record("syn-queue-full", "", func(r *stream.Record) {
			r.Hook, r.Evidence = event.HookConnRequest, listener(0, 8192, 8192)
		}),
		record("syn-backlog-reserved", "", func(r *stream.Record) {
			r.Hook, r.Evidence = event.HookConnRequest, listener(0, 4096, 193)
		}),
		record("syn-cookie-sent", "", func(r *stream.Record) { r.Hook = event.HookConnRequest }),
		record("netfilter-drop", "", func(r *stream.Record) {
			r.Location, r.Netns, r.NetnsName, r.Count = "nf_hook_slow", netns.ID{Inode: home + 1}, "blue\x1b[2J", 1000000
			r.Src, r.Dst = netip.MustParseAddrPort("[2001:db8::1]:5"), netip.MustParseAddrPort("[2001:db8::2]:80")
		}),
		record("other", "", func(r *stream.Record) {
			r.Reason, r.Location, r.Src, r.Netns = "XFRM_POLICY", "tcp_v4_rcv", netip.AddrPort{}, netns.ID{Inode: home + 2}
			r.Direction, r.Proto = "", 0
		}),
	} {
		errs = append(errs, s.Record(r))
	}
	for _, r := range slices.Concat(enriched(), onTheWay()) {
		errs = append(errs, s.Record(r))
	}
	errs = append(errs, s.Summary(summary()), s.Flush())
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// enriched are records with a listener, evidence and a namespace.
func enriched() []stream.Record {
	nginx := proc.Process{PID: 812, Comm: "nginx", Unit: "nginx.service"}
	pod := proc.Process{PID: 91234, Comm: "evil\x1b[2J", Container: strings.Repeat("0123456789abcdef", 4)}
	return []stream.Record{
		record("accept-queue-full", "syn", func(r *stream.Record) {
			r.Hook, r.Evidence = event.HookConnRequest, listener(1, 0, 0)
			r.Listener = &enrich.Listener{Port: 443, Process: nginx, Shared: 3}
		}),
		record("paws-established", "", func(r *stream.Record) {
			r.Evidence = &event.Evidence{Timestamps: &event.Timestamps{TSval: 50000, Newest: 100000, Age: 12 * time.Second}}
			r.Listener = &enrich.Listener{Port: 443, Process: nginx}
		}),
		record("conntrack-table-full", "", func(r *stream.Record) {
			r.Netns, r.NetnsName = netns.ID{Inode: home + 1}, "0123456789ab (nginx)"
			r.Listener = &enrich.Listener{Port: 443, Process: pod}
			r.Conntrack = &conntrack.Usage{Count: 262144, Max: 262144, Buckets: 65536}
		}),
		record("netfilter-drop", "", func(r *stream.Record) {
			r.Evidence = &event.Evidence{Ifindex: 2, Netfilter: &event.Netfilter{Family: "inet", Hook: "input", Table: "filter", Chain: "input"}}
			r.Listener, r.Interface = &enrich.Listener{Port: 443}, "eth0"
		}),
		record("netfilter-reject", "", func(r *stream.Record) {
			r.Evidence = &event.Evidence{Netfilter: &event.Netfilter{Family: "ip", Hook: "input"}}
		}),
		record("receive-buffer-full", "", func(r *stream.Record) { r.Evidence = receiver() }),
		record("socket-backlog-full", "", func(r *stream.Record) { r.Evidence = receiver() }),
		record("out-of-window", "zero-window", func(r *stream.Record) { r.Evidence = receiver() }),
		record("reverse-path-filter", "", func(r *stream.Record) { r.Interface = "eth1" }),
	}
}

func receiver() *event.Evidence {
	return &event.Evidence{Receiver: &event.Receiver{Memory: 219136, Limit: 212992, Backlog: 4352, Window: 0}}
}

func summary() stream.Summary {
	src := func(s string, n uint64) stream.SourceTotal {
		return stream.SourceTotal{Src: netip.MustParseAddr(s), Count: n}
	}
	many := []stream.SourceTotal{}
	for _, s := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"} {
		many = append(many, src("10.9.0."+s, 20))
	}
	unseen := stream.UnseenTotal{Count: 412, Unseen: cause.Unseen{
		Counter: "TcpExtListenOverflows", Stages: []cause.Stage{{Cause: find("accept-queue-full"), Stage: "syn"}},
	}}
	return stream.Summary{
		Time: noon.Add(time.Minute), Duration: 12300 * time.Millisecond,
		Drops: 256, Notices: 4, Lost: 1, Unattributed: 2, Missed: 6, Merged: 3, Unshown: 5, Filtered: true,
		Causes: []stream.CauseTotal{
			{Cause: find("accept-queue-full"), Count: 220, Sources: many, NumSources: 11, Others: 20,
				ByDirection: map[event.Direction]uint64{event.In: 220}, ByProto: map[event.Proto]uint64{event.TCP: 220},
				Range: &stream.RangeTotal{Prefix: netip.MustParsePrefix("10.9.0.0/24"), Count: 220, NumSources: 11}},
			{Cause: find("other"), Count: 1, Sources: []stream.SourceTotal{{Count: 1}}, NumSources: 1},
			{Cause: find("conntrack-table-full"), Count: 35, Sources: []stream.SourceTotal{src("10.9.0.1", 35)}, NumSources: 1,
				ByDirection: map[event.Direction]uint64{event.In: 1, event.Forward: 20, event.Out: 13, "": 1},
				ByProto:     map[event.Proto]uint64{event.TCP: 14, unix.IPPROTO_UDP: 20, 0: 1}},
			{Cause: find("syn-cookie-sent"), Count: 4, Sources: []stream.SourceTotal{src("2001:db8::1", 4)}, NumSources: 1},
		},
		Unseen:   []stream.UnseenTotal{unseen},
		Findings: findings(),
		Reconcile: []stream.Row{
			{Netns: home, Counter: "TcpExtListenDrops", Kernel: 220, Attributed: 220},
			{Netns: home + 1, NetnsName: "blue", Counter: "TcpExtListenOverflows", Kernel: 632, Attributed: 220,
				Why: "this run sees only the total of accept-queue-full (syn); counters cannot be filtered by address, port, direction or protocol"},
		},
	}
}

func findings() []diagnose.Finding {
	return []diagnose.Finding{{
		ID: "traced-accept-queue-full", Severity: diagnose.Critical, Cause: "accept-queue-full", Netns: home + 1, NetnsName: "blue",
		Title:    "nginx[812] on port 443 accepts more slowly than connections come",
		Evidence: []diagnose.Evidence{{What: "accept-queue-full", Value: "220", Where: "17.9 a second"}, {What: "sources", Value: "12"}},
		Means:    "clients' connect() hangs for 1, 3, 7 ... s; some believe themselves connected and get no answer",
		Changes: []diagnose.Change{
			{Do: "make the application accept faster: more threads or processes in accept(2), less work between two calls", Why: "it is too slow"},
			{Sysctl: "net.core.somaxconn", Value: "4096", Command: shell.New("sysctl", "-w", "net.core.somaxconn=4096"), Why: "it binds"},
		},
	}}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	writeRun(t, NewJSON(&b))
	golden(t, "run.json", b.Bytes())
	capturetest.CheckLines(t, b.String())
}

func TestText(t *testing.T) {
	var b bytes.Buffer
	writeRun(t, NewText(&b, text.Palette{}))
	golden(t, "run.txt", b.Bytes())
	if strings.Contains(b.String(), "\x1b") {
		t.Error("an escape reached the terminal")
	}
}

func FuzzTextIsPrintable(f *testing.F) {
	for _, name := range texttest.Names {
		f.Add(name)
	}
	// The catalogue's texts are the project's own; addresses and times hold no text.
	keep := func(t reflect.Type) bool {
		return t == reflect.TypeFor[*cause.Cause]() || t == reflect.TypeFor[shell.Command]() || t.PkgPath() == "net/netip" || t.PkgPath() == "time"
	}
	f.Fuzz(func(t *testing.T, name string) {
		var b bytes.Buffer
		s := NewText(&b, text.Palette{})
		errs := []error{}
		for _, c := range cause.All() {
			r := stream.Record{Cause: c}
			texttest.Fill(&r, name, keep)
			errs = append(errs, s.Record(r))
		}
		end := summary()
		texttest.Fill(&end, name, keep)
		if err := errors.Join(append(errs, s.Summary(end), s.Flush())...); err != nil {
			t.Fatal(err)
		}
		texttest.Check(t, b.String())
	})
}

func TestColourIsAllThatDiffers(t *testing.T) {
	var plain, coloured bytes.Buffer
	palette, err := text.NewPalette("always", &coloured, []string{"TERM=xterm-256color"})
	if err != nil {
		t.Fatal(err)
	}
	writeRun(t, NewText(&plain, text.Palette{}))
	writeRun(t, NewText(&coloured, palette))
	if !strings.Contains(coloured.String(), "\x1b[1;31maccept-queue-full/syn\x1b[m") {
		t.Errorf("no colour: %q", coloured.String()[:300])
	}
	if got := stripSGR(coloured.String()); got != plain.String() {
		t.Errorf("differs (-plain +coloured):\n%s", cmp.Diff(plain.String(), got))
	}
}

func stripSGR(s string) string {
	for {
		before, rest, ok := strings.Cut(s, "\x1b[")
		if !ok {
			return s
		}
		_, after, _ := strings.Cut(rest, "m")
		s = before + after
	}
}

func TestQuiet(t *testing.T) {
	var b bytes.Buffer
	writeRun(t, Quiet{NewJSON(&b)})
	if n := strings.Count(b.String(), "\n"); n != 2 {
		t.Errorf("%d lines, want start and summary:\n%s", n, b.String())
	}
	capturetest.CheckLines(t, b.String())
	b.Reset()
	writeRun(t, Quiet{NewText(&b, text.Palette{})})
	if !strings.HasPrefix(b.String(), "256 drops in 12.3 s") {
		t.Errorf("got:\n%s", b.String())
	}
}

func TestBinding(t *testing.T) {
	for limit, want := range map[uint32]string{
		128: "the listen backlog; somaxconn is 4096", 4096: "somaxconn: raise it, and a listen backlog just as large",
		8192: "from before somaxconn became 4096",
	} {
		if got := binding(listener(0, limit, 0).Listener); got != want {
			t.Errorf("%d: got %q", limit, got)
		}
	}
}
