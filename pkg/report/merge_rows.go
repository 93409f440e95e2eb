// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/sink"
	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/text"
)

type sourceKey struct {
	host string
	src  netip.Addr
}

// queueKey and rowKey have the namespace's number as well, as names are not unique.
type queueKey struct {
	host, where, netns, what string
	inode                    uint32
}

type rowKey struct {
	host, netns, counter string
	inode                uint32
}

func (m *merger) addSource(host string, c *Cause, s state.Source) {
	key := sourceKey{host, s.Src}
	if at, known := c.bySource[key]; known {
		c.Sources[at].Count += s.Count
	} else {
		c.bySource[key] = len(c.Sources)
		c.Sources = append(c.Sources, CauseSource{host, s.Src, s.Count})
	}
	if c.Kind != cause.Drop {
		return
	}
	to := m.sources[key]
	if to == nil {
		to = &Source{Host: host, Src: s.Src, ByCause: map[*cause.Cause]uint64{}}
		m.sources[key] = to
	}
	to.Count += s.Count
	to.ByCause[c.Cause] += s.Count
	if s.Last.After(to.Last) {
		to.Last = s.Last
	}
}

// addPlaces takes where packets were going, and the queues there: those that were
// measured, and where none were those of the newest record.
func (m *merger) addPlaces(host string, s *state.Snapshot) {
	own := s.Start.Machine.Netns
	for i := range s.Queues {
		m.addQueue(host, &s.Queues[i], own)
	}
	measured := func(p *state.Place) bool {
		return slices.ContainsFunc(s.Queues, func(q stream.Queue) bool { return !q.Netns.Differs(p.Netns) && q.Listen.Port() == p.Port })
	}
	for i := range s.Places {
		p := &s.Places[i]
		if p.Cause.Kind != cause.Drop {
			continue
		}
		record := recordOf(p)
		m.report.Places = append(m.report.Places, Place{
			Host: host, Where: whereWords(&record), Who: whoWords(p.Listener, p.Target, &record), Netns: netnsWord(p.Netns.Inode, p.NetnsName, own),
			Cause: p.Cause, Direction: p.Direction, Count: p.Count, Why: clean(sink.EvidenceWords(&record), maxWords), Last: p.Last,
		})
		if p.Evidence != nil && p.Evidence.Listener != nil && !measured(p) {
			m.addQueue(host, queueOf(p), own)
		}
	}
}

// recordOf is the newest record of a place as far as it is known.
func recordOf(p *state.Place) stream.Record {
	return stream.Record{
		Event: event.Event{
			Time: p.Last, Direction: p.Direction, Proto: p.Proto, Dst: netip.AddrPortFrom(p.Dst, p.Port), Netns: p.Netns,
			Count: p.Count, Evidence: p.Evidence, Reason: p.Reason, Location: p.Location,
		},
		Cause: p.Cause, Stage: p.Stage, NetnsName: p.NetnsName, Answer: p.Answer,
	}
}

// whereWords are a destination: of a listener the port alone.
func whereWords(r *stream.Record) string {
	where := sink.DestinationWords(r)
	if !r.Dst.Addr().IsValid() {
		where = fmt.Sprintf("port %d", r.Dst.Port())
	}
	if r.Proto != event.TCP && r.Proto != 0 {
		where += "/" + r.Proto.String()
	}
	return where
}

// whoWords name the process, its unit and its container.
func whoWords(l *enrich.Listener, t *enrich.Target, r *stream.Record) string {
	who := sink.ProcessWord(r)
	container := ""
	if l != nil {
		who = text.Join(", ", who, l.Unit)
		container = l.Container
	}
	if t != nil && container == "" {
		container = t.Container
	}
	return clean(text.Join(", ", who, text.Prefixed("container ", shortID(container))), maxName)
}

func shortID(id string) string {
	const short = 12
	return id[:min(len(id), short)]
}

// queueOf is what the newest record says of the queues.
func queueOf(p *state.Place) *stream.Queue {
	l := p.Evidence.Listener
	return &stream.Queue{
		Netns: p.Netns, NetnsName: p.NetnsName, Listen: netip.AddrPortFrom(p.Dst, p.Port), Listener: p.Listener,
		Accept: l.AcceptQueue, AcceptMax: l.AcceptQueueMax, Limit: string(l.AcceptLimit()),
		Requests: l.SynQueue, RequestsMax: requestsMax(l),
	}
}

// requestsMax is the limit of requests in the handshake: that of the accept queue
// (inet_csk_reqsk_queue_is_full), or tcp_max_syn_backlog, which matters without SYN cookies
// and which more requests than it therefore disprove.
func requestsMax(l *event.Listener) uint32 {
	if l.SynQueue <= l.MaxSynBacklog {
		return min(l.AcceptQueueMax, l.MaxSynBacklog)
	}
	return l.AcceptQueueMax
}

func (m *merger) addQueue(host string, q *stream.Queue, own uint32) {
	where := fmt.Sprintf("port %d", q.Listen.Port())
	if q.Listen.Addr().IsValid() {
		where = q.Listen.String()
	}
	row := Queue{
		Host: host, Where: where, Who: whoWords(q.Listener, nil, &stream.Record{Answer: enrich.Answer{Listener: q.Listener}}),
		Netns: netnsWord(q.Netns.Inode, q.NetnsName, own), What: "accept queue", Used: q.Accept, Max: q.AcceptMax, Limit: clean(q.Limit, maxName),
	}
	m.putQueue(row, q.Netns.Inode)
	if q.Requests > 0 && q.RequestsMax > 0 {
		row.What, row.Used, row.Max, row.Limit = "half-open", q.Requests, q.RequestsMax, clean(q.RequestsLimit(), maxName)
		m.putQueue(row, q.Netns.Inode)
	}
}

// putQueue adds a queue. Of one that several captures, or several causes' newest records,
// tell of, the fullest counts.
func (m *merger) putQueue(q Queue, inode uint32) {
	key := queueKey{q.Host, q.Where, q.Netns, q.What, inode}
	at, known := m.queues[key]
	switch {
	case !known:
		m.queues[key] = len(m.report.Queues)
		m.report.Queues = append(m.report.Queues, q)
	case fill(q.Used, q.Max) > fill(m.report.Queues[at].Used, m.report.Queues[at].Max):
		m.report.Queues[at] = q
	}
}

// putRow adds a counter, whose windows in several captures of a host add up.
func (m *merger) putRow(r Row, inode uint32) {
	key := rowKey{r.Host, r.Netns, r.Counter, inode}
	at, known := m.rows[key]
	if !known {
		m.rows[key] = len(m.report.Reconcile)
		m.report.Reconcile = append(m.report.Reconcile, r)
		return
	}
	sum := &m.report.Reconcile[at]
	sum.Kernel += r.Kernel
	sum.Attributed += r.Attributed
	sum.Why = cmp.Or(sum.Why, r.Why)
}

func (m *merger) addRest(host string, s *state.Snapshot) {
	r, own := &m.report, s.Start.Machine.Netns
	for _, t := range s.Tables {
		r.Tables = append(r.Tables, Table{host, netnsWord(t.Netns.Inode, t.NetnsName, own), t.Count, t.Max})
	}
	for _, row := range s.Reconcile {
		name := cmp.Or(clean(row.NetnsName, maxName), fmt.Sprint(row.Netns))
		m.putRow(Row{host, name, clean(row.Counter, maxName), row.Kernel, row.Attributed, clean(row.Why, maxText)}, row.Netns)
	}
	for _, u := range s.Unseen {
		r.Unseen = append(r.Unseen, Unseen{host, clean(u.Counter, maxName), clean(cause.JoinStages(u.Stages), maxWords), u.Count})
	}
	for i := range s.Findings {
		m.addFinding(host, s.Findings[i], own)
	}
	for _, id := range s.Start.Blind {
		m.addBlind(host, clean(id, maxName))
	}
}

// addFinding adds a finding, or a host to one that others have as well.
func (m *merger) addFinding(host string, x diagnose.Finding, own uint32) {
	x = cleanFinding(x)
	if x.Netns == own {
		x.Netns, x.NetnsName = 0, ""
	}
	for i := range m.report.Findings {
		f := &m.report.Findings[i]
		if sameFinding(&f.Finding, &x) {
			if !slices.Contains(f.Hosts, host) {
				f.Hosts = append(f.Hosts, host)
			}
			return
		}
	}
	m.report.Findings = append(m.report.Findings, Finding{x, []string{host}})
}

// sameFinding says whether two hosts need the same for the same; their numbers may differ.
func sameFinding(a, b *diagnose.Finding) bool {
	sameChange := func(a, b diagnose.Change) bool {
		return a.Do == b.Do && a.Sysctl == b.Sysctl && a.Value == b.Value && a.Command.Equal(b.Command)
	}
	return a.ID == b.ID && a.Title == b.Title && a.NetnsName == b.NetnsName && a.Netns == b.Netns && slices.EqualFunc(a.Changes, b.Changes, sameChange)
}

func (m *merger) addBlind(host, id string) {
	blind := m.report.Blind
	at := slices.IndexFunc(blind, func(b Blind) bool { return b.Cause == id })
	if at < 0 {
		m.report.Blind = append(blind, Blind{id, []string{host}})
	} else if !slices.Contains(blind[at].Hosts, host) {
		blind[at].Hosts = append(blind[at].Hosts, host)
	}
}
