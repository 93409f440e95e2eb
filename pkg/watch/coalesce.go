// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"net/netip"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/stream"
)

const (
	// interval is the least time between two records of the same key.
	interval = time.Second
	// maxPending bounds the keys that are remembered. The drops of any other key are
	// recorded at once: in a flood the source joins them itself.
	maxPending = 4096
)

// located is a record with the namespace that it is counted in.
type located struct {
	stream.Record
	namespace *namespace
}

// key is what the drops of one record have in common.
type key struct {
	cause     *cause.Cause
	stage     string
	direction event.Direction
	proto     event.Proto
	src       netip.Addr
	dst       netip.AddrPort
	netns     netns.ID
}

func keyOf(r *stream.Record) key {
	return key{r.Cause, r.Stage, r.Direction, r.Proto, r.Src.Addr(), r.Dst, r.Netns}
}

// pending is a key that has had a record within the interval, with the drops since
// then.
type pending struct {
	located // Count is 0 when nothing came
	due     time.Time
}

// coalescer joins records of the same key.
type coalescer struct {
	room  int
	byKey map[key]*pending
	queue []*pending // by due time
}

func newCoalescer(room int) *coalescer {
	return &coalescer{room: room, byKey: map[key]*pending{}}
}

// add returns true if r must be recorded at once. Otherwise it has joined r to the
// pending record of its key.
func (c *coalescer) add(r located, now time.Time) bool {
	k := keyOf(&r.Record)
	p := c.byKey[k]
	switch {
	case p != nil:
		p.join(r)
		return false
	case len(c.byKey) < c.room:
		p = &pending{located: r, due: now.Add(interval)}
		p.Count = 0
		c.byKey[k] = p
		c.queue = append(c.queue, p)
	}
	return true
}

func (p *pending) join(r located) {
	r.Count += p.Count
	r.Merged += p.Merged
	if r.Evidence == nil && p.Count > 0 {
		r.Evidence = p.Evidence
	}
	p.located = r
}

// busy says whether anything will be due.
func (c *coalescer) busy() bool {
	return len(c.queue) > 0
}

// due returns the records that have waited long enough.
func (c *coalescer) due(now time.Time) []located {
	var records []located
	for len(c.queue) > 0 && !c.queue[0].due.After(now) {
		p := c.queue[0]
		c.queue[0] = nil
		c.queue = c.queue[1:]
		if p.Count == 0 {
			delete(c.byKey, keyOf(&p.Record))
			continue
		}
		records = append(records, p.located)
		p.Count, p.Merged, p.due = 0, 0, now.Add(interval)
		c.queue = append(c.queue, p)
	}
	return records
}

// rest returns all that is still pending.
func (c *coalescer) rest() []located {
	var records []located
	for _, p := range c.queue {
		if p.Count > 0 {
			records = append(records, p.located)
		}
	}
	c.queue, c.byKey = nil, map[key]*pending{}
	return records
}
