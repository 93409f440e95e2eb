// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"net/netip"

	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/ndjson"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/stream"
)

// sampleLine is the line of type "sample". A list that is missing leaves all as it was; one
// that is empty does not.
type sampleLine struct {
	Type         string             `json:"type"`
	Time         string             `json:"time"`
	Lost         uint64             `json:"lost"`
	Unattributed uint64             `json:"unattributed"`
	Missed       uint64             `json:"missed"`
	Merged       uint64             `json:"merged"`
	Queues       []queueObject      `json:"queues,omitzero"`
	Tables       []tableObject      `json:"conntrack,omitzero"`
	Reconcile    []row              `json:"reconcile,omitzero"`
	Unseen       []unseenTotal      `json:"unseen,omitzero"`
	Findings     []diagnose.Finding `json:"findings,omitzero"`
}

// queueObject is the state of a listener's queues; keys are those of a record's evidence.
type queueObject struct {
	Netns       uint32          `json:"netns"`
	Cookie      uint64          `json:"netns_cookie,omitempty"`
	NetnsName   string          `json:"netns_name,omitempty"`
	Addr        netip.Addr      `json:"addr"`
	Port        uint16          `json:"port"`
	Listener    *listenerObject `json:"listener,omitempty"`
	Accept      uint32          `json:"accept_queue"`
	AcceptMax   uint32          `json:"accept_queue_max"`
	Limit       string          `json:"limit,omitempty"`
	Requests    uint32          `json:"syn_queue"`
	RequestsMax uint32          `json:"syn_queue_max,omitempty"`
}

// tableObject is how full a connection tracking table is.
type tableObject struct {
	Netns     uint32 `json:"netns"`
	Cookie    uint64 `json:"netns_cookie,omitempty"`
	NetnsName string `json:"netns_name,omitempty"`
	Count     uint32 `json:"conntrack_count"`
	Max       uint32 `json:"conntrack_max"`
}

func newSampleLine(s stream.Sample) sampleLine {
	line := sampleLine{
		Type: "sample", Time: ndjson.Time(s.Time), Lost: s.Losses.Lost, Unattributed: s.Losses.Unattributed,
		Missed: s.Losses.Missed, Merged: s.Merged, Reconcile: newRows(s.Reconcile), Unseen: newUnseenTotals(s.Unseen), Findings: s.Findings,
	}
	for _, q := range s.Queues {
		o := queueObject{
			q.Netns.Inode, q.Netns.Cookie, q.NetnsName, q.Listen.Addr(), q.Listen.Port(), nil, q.Accept, q.AcceptMax, q.Limit, q.Requests, q.RequestsMax,
		}
		if q.Listener != nil {
			l := newListenerObject(q.Listener)
			o.Listener = &l
		}
		line.Queues = append(line.Queues, o)
	}
	for _, t := range s.Tables {
		line.Tables = append(line.Tables, tableObject{t.Netns.Inode, t.Netns.Cookie, t.NetnsName, t.Count, t.Max})
	}
	return line
}

func (l sampleLine) sample(d *Decoder) (stream.Sample, error) {
	at, err := parseTime(l.Time)
	if err != nil {
		return stream.Sample{}, err
	}
	s := stream.Sample{Time: at, Merged: l.Merged, Reconcile: rows(l.Reconcile), Findings: l.Findings}
	s.Losses.Lost, s.Losses.Unattributed, s.Losses.Missed = l.Lost, l.Unattributed, l.Missed
	if s.Unseen, err = unseenTotals(l.Unseen, d); err != nil {
		return s, err
	}
	for _, q := range l.Queues {
		s.Queues = append(s.Queues, q.queue())
	}
	for _, t := range l.Tables {
		s.Tables = append(s.Tables, stream.Table{
			Netns: netns.ID{Inode: t.Netns, Cookie: t.Cookie}, NetnsName: clip(t.NetnsName), Count: t.Count, Max: t.Max,
		})
	}
	return s, nil
}

func (o *queueObject) queue() stream.Queue {
	q := stream.Queue{
		Netns: netns.ID{Inode: o.Netns, Cookie: o.Cookie}, NetnsName: clip(o.NetnsName), Listen: netip.AddrPortFrom(o.Addr.WithZone(""), o.Port),
		Accept: o.Accept, AcceptMax: o.AcceptMax, Limit: clip(o.Limit), Requests: o.Requests, RequestsMax: o.RequestsMax,
	}
	if o.Listener != nil {
		q.Listener = o.Listener.listener()
	}
	return q
}
