// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/synwatch/synwatch/pkg/stream"
)

const (
	// maxGauged bounds the network namespaces that are looked at, and maxQueues the
	// listeners.
	maxGauged, maxQueues = 64, 256
	// tableSteps is how finely the fill of a connection tracking table is told: in so many
	// parts of its limit.
	tableSteps = 1000
)

// fillTold is how full queues and tables were told to be, and of whom.
type fillTold struct {
	next   time.Time // when it is fair to look again
	queues map[stream.QueueKey]*queueTold
	tables map[netns.ID]stream.Table
}

// queueTold is a listener, and its queues once they were told.
type queueTold struct {
	stream.Queue
	told     bool
	requests bool
}

func newFillTold() fillTold {
	return fillTold{queues: map[stream.QueueKey]*queueTold{}, tables: map[netns.ID]stream.Table{}}
}

// wanted is what to look at.
func (f *fillTold) wanted(m *measured) []enrich.Wanted {
	listeners, requests := map[netns.ID]bool{}, map[netns.ID]bool{}
	want := func(id netns.ID, ofRequests bool) {
		listeners[id], requests[id] = true, requests[id] || ofRequests
	}
	for _, l := range m.listeners {
		want(l.netns, l.requests)
	}
	for key, q := range f.queues {
		want(key.Netns, q.requests)
	}
	var wanted []enrich.Wanted
	for _, s := range m.spaces[:min(len(m.spaces), maxGauged)] {
		wanted = append(wanted, enrich.Wanted{Netns: s.id, Listeners: listeners[s.id], Requests: requests[s.id]})
	}
	return wanted
}

// changed are the queues and tables that are not as they were told. Those that there are no
// more have nothing but their keys.
func (f *fillTold) changed(m *measured, gauges []enrich.Gauge) (queues []stream.Queue, tables []stream.Table) {
	names := map[netns.ID]string{}
	for _, s := range m.spaces {
		names[s.id] = s.name
	}
	byNetns := map[netns.ID]*enrich.Gauge{}
	for i := range gauges {
		byNetns[gauges[i].Netns] = &gauges[i]
	}
	met := map[stream.QueueKey]bool{}
	for _, l := range m.listeners {
		if g := byNetns[l.netns]; g != nil {
			f.listen(&l, g, names[l.netns], met)
		}
	}
	for key, q := range f.queues {
		if now, changed := q.now(key, byNetns[key.Netns]); changed {
			queues = append(queues, now)
			if now.Gone() {
				delete(f.queues, key)
			}
		}
	}
	slices.SortFunc(queues, func(a, b stream.Queue) int {
		return cmp.Or(a.Netns.Compare(b.Netns), a.Listen.Compare(b.Listen))
	})
	return queues, f.changedTables(byNetns, names)
}

// listen adds the socket that a listener's records were for. Whose it is the cause with the
// most of them says, of those that it was not met of before.
func (f *fillTold) listen(l *listenerSeen, g *enrich.Gauge, name string, met map[stream.QueueKey]bool) {
	for _, s := range sockets.Match(g.Listening, l.dst, 0) {
		key := stream.QueueKey{Netns: l.netns, Listen: s.Addr}
		q := f.queues[key]
		if q == nil {
			if len(f.queues) >= maxQueues {
				return
			}
			q = &queueTold{Queue: stream.Queue{Netns: key.Netns, Listen: key.Listen}}
			f.queues[key] = q
		}
		if q.requests = q.requests || l.requests; met[key] {
			continue
		}
		met[key] = true
		if q.Listener == nil || *q.Listener != *l.listener {
			q.Listener, q.told = l.listener, false
		}
		q.NetnsName = cmp.Or(name, q.NetnsName)
	}
}

// now is how the queue stands, and whether that is to be told.
func (q *queueTold) now(key stream.QueueKey, g *enrich.Gauge) (now stream.Queue, changed bool) {
	if g != nil && g.Listening == nil { // it could not be read
		return q.Queue, false
	}
	var fullest *sockets.Queue
	if g != nil {
		fullest = fullestAt(g.Listening, key.Listen)
	}
	if fullest == nil {
		return stream.Queue{Netns: key.Netns, Listen: key.Listen}, true
	}
	now = q.Queue
	now.Accept, now.AcceptMax, now.Limit, now.Requests, now.RequestsMax = fullest.Waiting, 0, "", 0, 0
	if fullest.Limit != nil {
		now.AcceptMax = *fullest.Limit
		now.Limit = string(event.AcceptLimitOf(now.AcceptMax, g.Somaxconn))
	}
	if g.Requests != nil {
		now.Requests, now.RequestsMax = requestsAt(g, key.Listen), now.AcceptMax
		if g.SynBacklog > 0 {
			now.RequestsMax = min(now.RequestsMax, g.SynBacklog)
		}
	}
	changed = !q.told || now != q.Queue
	q.Queue, q.told = now, true
	return now, changed
}

// fullestAt is the fullest queue of the sockets that share an address, nil for none.
func fullestAt(listening []sockets.Socket, at netip.AddrPort) *sockets.Queue {
	var fullest *sockets.Queue
	for i := range listening {
		q := listening[i].Queue
		if listening[i].Addr == at && q != nil && (fullest == nil || q.Waiting > fullest.Waiting) {
			fullest = q
		}
	}
	return fullest
}

// requestsAt is how many connections are in the handshake of a listener.
func requestsAt(g *enrich.Gauge, listen netip.AddrPort) uint32 {
	var n uint32
	for to, requests := range g.Requests {
		if found := sockets.Match(g.Listening, to, 0); len(found) > 0 && found[0].Addr == listen {
			n += requests
		}
	}
	return n
}

func (f *fillTold) changedTables(gauges map[netns.ID]*enrich.Gauge, names map[netns.ID]string) []stream.Table {
	var tables []stream.Table
	for id, g := range gauges {
		if u := g.Conntrack; u != nil {
			now, told := stream.Table{Netns: id, NetnsName: names[id], Count: u.Count, Max: u.Max}, f.tables[id]
			if !sameTable(&now, &told) {
				f.tables[id] = now
				tables = append(tables, now)
			}
		}
	}
	for id := range f.tables {
		if g := gauges[id]; g == nil || g.Conntrack == nil {
			delete(f.tables, id)
			tables = append(tables, stream.Table{Netns: id})
		}
	}
	slices.SortFunc(tables, func(a, b stream.Table) int { return a.Netns.Compare(b.Netns) })
	return tables
}

// sameTable says whether a table is about as full as it was.
func sameTable(now, told *stream.Table) bool {
	apart := max(now.Count, told.Count) - min(now.Count, told.Count)
	return now.NetnsName == told.NetnsName && now.Max == told.Max && apart <= now.Max/tableSteps
}
