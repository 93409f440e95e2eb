// SPDX-License-Identifier: Apache-2.0

package capturetest

import (
	"net/netip"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/shell"
	"github.com/synwatch/synwatch/pkg/stream"
)

// Sample is any sample.
func (r *Run) Sample() stream.Sample {
	s := stream.Sample{
		Time: r.now, Losses: event.Losses{Lost: uint64(r.number()), Unattributed: uint64(r.number()), Missed: uint64(r.number())},
		Merged: uint64(r.number()),
	}
	for range r.random.IntN(4) {
		s.Queues = append(s.Queues, r.queue())
		s.Tables = append(s.Tables, stream.Table{Netns: r.netns(), NetnsName: r.name(), Count: r.number(), Max: r.number()})
	}
	if r.one(2) {
		s.Reconcile, s.Unseen, s.Findings = r.rows(), r.unseen(), r.findings()
	}
	return s
}

func (r *Run) queue() stream.Queue {
	q := stream.Queue{
		Netns: r.netns(), NetnsName: r.name(), Listen: netip.AddrPortFrom(pick(r, netip.IPv4Unspecified(), netip.IPv6Unspecified()), pick[uint16](r, 80, 443)),
		Accept: r.number(), AcceptMax: r.number(), Limit: pick(r, "net.core.somaxconn", "listen backlog"), Requests: r.number(), RequestsMax: r.number(),
	}
	if r.one(2) {
		q.Listener = r.listener()
	}
	return q
}

func (r *Run) rows() []stream.Row {
	rows := []stream.Row{}
	for range r.random.IntN(4) {
		id := r.netns()
		rows = append(rows, stream.Row{
			Netns: id.Inode, Cookie: id.Cookie, NetnsName: r.name(), Namespaces: r.random.IntN(3), Counter: pick(r, "TcpExtListenDrops", "TcpExtListenOverflows"),
			Kernel: uint64(r.number()), Attributed: uint64(r.number()), Why: r.name(),
		})
	}
	return rows
}

func (r *Run) unseen() []stream.UnseenTotal {
	totals := []stream.UnseenTotal{}
	for range r.random.IntN(3) {
		totals = append(totals, stream.UnseenTotal{Count: uint64(r.number()), Unseen: cause.Unseen{
			Counter: "TcpExtListenOverflows", Also: []string{"TcpExtListenDrops"},
			Stages: []cause.Stage{r.stage(), r.stage()},
		}})
	}
	return totals
}

func (r *Run) findings() []diagnose.Finding {
	found := []diagnose.Finding{}
	for range r.random.IntN(3) {
		found = append(found, diagnose.Finding{
			ID: "traced-accept-queue-full", Severity: pick(r, diagnose.Note, diagnose.Warning, diagnose.Critical), Title: r.name(),
			Cause: r.cause().ID, Netns: r.number(), NetnsName: r.name(), Means: r.name(),
			Evidence: []diagnose.Evidence{{What: r.name(), Value: "1", Where: r.name()}},
			Changes: []diagnose.Change{
				{
					Sysctl: "net.core.somaxconn", Value: "4096", Basis: pick(r, diagnose.Measured, diagnose.FromFile, diagnose.Assumed), If: r.name(),
					Command: shell.New("sysctl", "-w", "net.core.somaxconn=4096", r.name()), Why: r.name(),
				},
				{Do: "look at " + r.name(), Command: shell.New("nft", "list ruleset").Into("it's.nft").By([]string{"ip", "netns", "exec", r.name()})},
			},
		})
	}
	return found
}

// Summary is any summary.
func (r *Run) Summary() stream.Summary {
	r.now = r.now.Add(time.Second)
	s := stream.Summary{
		Time: r.now, Duration: time.Duration(r.number()) * time.Millisecond, Drops: uint64(r.number()), Notices: uint64(r.number()),
		Lost: uint64(r.number()), Unattributed: uint64(r.number()), Missed: uint64(r.number()), Merged: uint64(r.number()), Unshown: uint64(r.number()),
		Unseen: r.unseen(), Reconcile: r.rows(), Filtered: r.one(2), Findings: r.findings(),
	}
	for _, c := range cause.All() {
		if r.one(3) {
			s.Causes = append(s.Causes, r.causeTotal(c))
		}
	}
	return s
}

func (r *Run) causeTotal(c *cause.Cause) stream.CauseTotal {
	n := 5 + uint64(r.number())
	total := stream.CauseTotal{
		Cause: c, Count: n, NumSources: 1 + r.random.IntN(200), Others: uint64(r.number()), Sources: []stream.SourceTotal{{Src: r.addr(), Count: n - 1}},
		ByDirection: map[event.Direction]uint64{event.In: n - 3, "": 3}, ByProto: map[event.Proto]uint64{event.TCP: n - 5, 250: 4, 0: 1},
	}
	if r.one(2) {
		total.Range = &stream.RangeTotal{Prefix: netip.MustParsePrefix("10.9.0.0/22"), Count: n - 2, NumSources: 40}
	}
	return total
}
