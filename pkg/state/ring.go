// SPDX-License-Identifier: Apache-2.0

package state

import "github.com/synwatch/synwatch/pkg/stream"

// ring holds the newest records.
type ring struct {
	records []stream.Record
	next    int // where the next one goes once the ring is full
}

func (g *ring) add(r stream.Record) {
	if len(g.records) < MaxNewest {
		g.records = append(g.records, r)
		return
	}
	g.records[g.next] = r
	g.next = (g.next + 1) % MaxNewest
}

func (g *ring) newest(n int, wanted func(*stream.Record) bool) []stream.Record {
	found := []stream.Record{}
	for i := len(g.records) - 1; i >= 0 && len(found) < n; i-- {
		r := &g.records[(g.next+i)%len(g.records)]
		if wanted == nil || wanted(r) {
			found = append(found, *r)
		}
	}
	return found
}
