// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/shell"
	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/survey"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func lookup(t testing.TB, id string) *cause.Cause {
	t.Helper()
	c, ok := cause.Lookup(id)
	if !ok {
		t.Fatalf("no cause %s", id)
	}
	return c
}

// outage is what a run of five minutes saw: an accept queue that overflows in waves, a full
// connection tracking table, and the usual noise.
func outage(t testing.TB, host string) *state.Snapshot {
	accept, table, stray, closed := lookup(t, "accept-queue-full"), lookup(t, "conntrack-table-full"), lookup(t, "stray-ack"), lookup(t, "no-listener")
	s := &state.Snapshot{
		Start: stream.Start{Time: noon, Version: "v0.5.0", Machine: survey.Machine{Name: host, Kernel: "6.12.107-amd64", Netns: 1}, Blind: []string{"socket-backlog-full"}},
		Time:  noon.Add(5 * time.Minute), Duration: 5 * time.Minute, Summary: &stream.Summary{},
		Timeline: state.Timeline{Begin: noon, Step: time.Second, ByCause: map[*cause.Cause][]uint64{}},
		Tables:   []stream.Table{{Netns: netns.ID{Inode: 1}, Count: 262000, Max: 262144}, {Netns: netns.ID{Inode: 7}, NetnsName: "web", Count: 1200, Max: 65536}},
	}
	for i, c := range []*cause.Cause{accept, table, stray, closed} {
		counts := make([]uint64, 300)
		for at := range counts {
			switch i {
			case 0:
				counts[at] = uint64(max(0, 60-(at+40)%120)) * 3
			case 1:
				counts[at] = uint64(max(0, at-150) / 3)
			case 2:
				counts[at] = uint64(at*7%5) / 4
			case 3:
				counts[at] = uint64(at%40) / 39 * 6
			}
		}
		s.Timeline.ByCause[c] = counts
		s.Causes = append(s.Causes, causeOf(c, counts, i))
		s.Drops += s.Causes[i].Count
	}
	s.Causes[0].Range = &stream.RangeTotal{Prefix: netip.MustParsePrefix("10.9.0.0/26"), Count: s.Causes[0].Count * 9 / 10, NumSources: 40}
	s.Causes[1].Range = &stream.RangeTotal{Prefix: netip.MustParsePrefix("203.0.113.0/24"), Count: s.Causes[1].Count, NumSources: 254}
	nginx := &enrich.Listener{Port: 443, Process: proc.Process{PID: 812, Comm: "nginx", Unit: "nginx.service"}}
	s.Places = []state.Place{
		{
			Key: state.Key{Cause: accept, Netns: netns.ID{Inode: 1}, Direction: event.In, Proto: event.TCP, Port: 443}, Count: s.Causes[0].Count, Last: s.Time,
			Answer:   enrich.Answer{Listener: nginx},
			Evidence: &event.Evidence{Listener: &event.Listener{AcceptQueue: 129, AcceptQueueMax: 128, Somaxconn: 4096, SynQueue: 30, MaxSynBacklog: 512}},
		},
		{Key: state.Key{Cause: closed, Netns: netns.ID{Inode: 7}, Direction: event.Forward, Proto: event.TCP, Dst: netip.MustParseAddr("10.1.0.9"), Port: 8080}, NetnsName: "web", Count: s.Causes[3].Count, Last: s.Time},
	}
	s.Reconcile = []stream.Row{
		{Netns: 1, Counter: "TcpExtListenOverflows", Kernel: s.Causes[0].Count, Attributed: s.Causes[0].Count},
		{Netns: 1, Counter: "ConntrackDrop", Kernel: s.Causes[1].Count + 3, Attributed: s.Causes[1].Count, Why: "3 of them are of IPv4 packets of other protocols, which this run does not trace"},
	}
	s.Findings = []diagnose.Finding{{
		ID: "traced-listen-backlog", Severity: diagnose.Critical, Title: "nginx's accept queue on port 443 overflows in bursts", Cause: accept.ID, Netns: 1,
		Evidence: []diagnose.Evidence{{What: "accept-queue-full", Value: fmt.Sprint(s.Causes[0].Count), Where: "19.3 a second"}, {What: "listen backlog", Value: "128", Where: "somaxconn is 4096"}},
		Means:    "clients wait a second or three for their SYN to be sent again, or time out",
		Changes: []diagnose.Change{
			{Do: "in nginx's listen directive: backlog=4096", Why: "the application asks for 128; the kernel would give it up to somaxconn"},
			{Sysctl: "net.core.somaxconn", Value: "8192", Command: shell.New("sysctl", "-w", "net.core.somaxconn=8192"), Why: "so that the backlog has room for a burst of two seconds"},
			{Do: "let nginx have more workers", Basis: diagnose.Assumed, If: "Does nginx use all of its CPUs?", Why: "it accepts more slowly than clients come"},
		},
	}, {
		ID: "traced-conntrack-full", Severity: diagnose.Warning, Title: "the connection tracking table is full: 203.0.113.0/24 holds 80 % of it, tcp ESTABLISHED", Cause: table.ID,
		Evidence: []diagnose.Evidence{{What: "net.netfilter.nf_conntrack_count", Value: "262000", Where: ">99 % of 262144"}},
		Changes: []diagnose.Change{{
			Do: "take its entries out of the table", Command: shell.New("conntrack", "-D", "-f", "ipv4", "-s", "203.0.113.0/24", "-p", "tcp", "--state", "ESTABLISHED"),
			Why: "it frees 209600 entries at once; they come back while the cause lasts",
		}},
	}}
	return s
}

func causeOf(c *cause.Cause, counts []uint64, i int) state.Cause {
	total := state.Cause{Cause: c, First: noon.Add(time.Second), Last: noon.Add(299 * time.Second), ByDirection: map[event.Direction]uint64{}, ByProto: map[event.Proto]uint64{}}
	for _, n := range counts {
		total.Count += n
	}
	total.ByDirection[event.In], total.ByProto[event.TCP] = total.Count, total.Count
	left := total.Count
	for k := range 40 {
		n := left / 4
		if n == 0 {
			break
		}
		left -= n
		src := netip.AddrFrom4([4]byte{10, 9, 0, byte(1 + k)})
		switch {
		case i == 1:
			src = netip.AddrFrom4([4]byte{203, 0, 113, byte(k)})
		case k == 3:
			src = netip.MustParseAddr("2001:db8:85a3:8d3:1319:8a2e:370:7348")
		}
		total.Sources = append(total.Sources, state.Source{Src: src, Count: n, Last: total.Last.Add(-time.Duration(k) * time.Second)})
	}
	total.NumSources, total.Others = len(total.Sources), left
	return total
}

func outageReport(t testing.TB) *Report {
	return New(noon.Add(time.Hour), "v0.5.0", []Capture{{File: "drops.json", Snapshot: outage(t, "web1"), Skipped: Skipped{Count: 1, Lines: []string{"17"}}}})
}

func fleetReport(t testing.TB) *Report {
	second := outage(t, "web2")
	second.Start.Time, second.Timeline.Begin, second.Time = noon.Add(time.Minute), noon.Add(time.Minute), noon.Add(6*time.Minute)
	second.Summary = nil
	return New(noon.Add(time.Hour), "v0.5.0", []Capture{{File: "web1.json", Snapshot: outage(t, "web1")}, {File: "web2.json.gz", Snapshot: second, Growing: true}})
}

// hostileNames are such as break out of where they are put.
var hostileNames = []string{
	"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "\x1b[31mred\x1b]0;title\x07", "</style><script>alert(1)</script>", "]]></svg><script>alert(1)</script>",
	"javascript:alert(1)", "{{.Drops}}", "\u202egnp.exe", "a\nb\n\n# c", "|a|b|", "`x` *y* [z](https://evil.example) @all www.evil.example", strings.Repeat("x", 5000), "\xff\xfe", "</title>", "<!--",
}
