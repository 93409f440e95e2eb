// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
)

// maxTargets bounds the addresses of other namespaces that are known, and maxLinks the
// namespaces that forward to those.
const maxTargets, maxLinks = 1 << 16, 256

// targetsCache is which namespaces have which addresses.
type targetsCache struct {
	byAddr map[netip.Addr][]*Target
	// links are the namespaces that are linked to one that forwards, which tells those
	// apart that have the same address.
	links map[netns.ID]links
	// found is what was found out for sure lately.
	found map[targetQuery]foundTarget

	read time.Time // when byAddr was current; zero: never
	cost time.Duration
	// readAll is when all addresses were read, and allCost what that took.
	readAll time.Time
	allCost time.Duration
	used    time.Time
	want    bool // a newer one
}

// targetQuery is an address that was asked for in a namespace.
type targetQuery struct {
	from netns.ID
	ip   netip.Addr
}

// foundTarget is the namespace that has it, nil if none has, or if it cannot be told
// which.
type foundTarget struct {
	*Target
	read time.Time
}

// links say which namespaces devices of one are linked to. They were asked for of those
// that have an address which others have, too.
type links struct {
	checked map[netns.ID]link
	want    map[netns.ID]bool // to be checked
}

// link is whether there is one. If there is none, one may be made later.
type link struct {
	there   bool
	checked time.Time
}

func (l link) known(now time.Time) bool {
	return l.there || now.Sub(l.checked) < refresh
}

// newTargetsCache is one that is read before anybody asks.
func newTargetsCache() targetsCache {
	return targetsCache{links: map[netns.ID]links{}, found: map[targetQuery]foundTarget{}, want: true}
}

// whose finds the target of a packet, and the namespace whose listener it is about: that
// of the target, n where Dst is an address of its own, or none. It says whether that is
// certain.
func (c *Cache) whose(n *namespace, q *Query, now time.Time) (t *Target, who *namespace, known bool) {
	t, own, known := c.targets.find(q, now)
	if !known {
		c.targetWorker.wake()
	}
	switch {
	case own || q.Dst.Addr().IsLoopback():
		return nil, n, known
	case t == nil:
		return nil, nil, known
	}
	who = c.namespace(t.Netns)
	who.used = now
	if who.gone {
		who = nil
	}
	return t, who, known
}

// find finds the other namespace that has the destination, or says that it is the
// asker's own, and whether that is certain.
func (t *targetsCache) find(q *Query, now time.Time) (found *Target, own, known bool) {
	t.used = now
	if t.read.IsZero() || now.Sub(t.read) > 2*max(refresh, share*t.allCost) {
		t.want = true
		return nil, false, false
	}
	all := t.byAddr[q.Dst.Addr()]
	if slices.ContainsFunc(all, func(o *Target) bool { return !o.Netns.Differs(q.Netns) }) {
		return nil, true, true
	}
	key := targetQuery{q.Netns, q.Dst.Addr()}
	if f, ok := t.found[key]; ok && now.Sub(f.read) < refresh {
		return f.Target, false, true
	}
	found, known = t.choose(all, q.Netns, now)
	// The namespace that is meant may have been made since the addresses were read.
	if known && !t.read.After(q.Since) {
		t.want = true
		return nil, false, false
	}
	if known {
		t.remember(key, foundTarget{found, t.read})
	}
	return found, false, known
}

// choose chooses the only one, or the only one that is linked to the asker's namespace,
// and says whether that is certain.
func (t *targetsCache) choose(all []*Target, from netns.ID, now time.Time) (found *Target, known bool) {
	if len(all) > 1 {
		all, known = t.linked(all, from, now)
		if !known {
			return nil, false
		}
	}
	if len(all) == 1 {
		return all[0], true
	}
	return nil, true
}

func (t *targetsCache) remember(key targetQuery, f foundTarget) {
	if len(t.found) >= maxMisses {
		clear(t.found)
	}
	t.found[key] = f
}

// linked lists those that are linked to the asker's namespace, and says whether these
// are all.
func (t *targetsCache) linked(all []*Target, from netns.ID, now time.Time) (linked []*Target, known bool) {
	l, ok := t.links[from]
	if !ok {
		if len(t.links) >= maxLinks {
			clear(t.links)
		}
		l = links{map[netns.ID]link{}, map[netns.ID]bool{}}
		t.links[from] = l
	}
	for _, target := range all {
		switch to := l.checked[target.Netns]; {
		case !to.known(now):
			l.want[target.Netns] = true
		case to.there:
			linked = append(linked, target)
		}
	}
	return linked, len(l.want) == 0
}

// readTargets finds out which namespaces have which addresses.
func (c *Cache) readTargets() {
	r := newTargetReader(c.now)
	for pause := time.Duration(0); ; {
		select {
		case <-c.stop:
			return
		case <-c.targetWorker:
		case <-time.After(pause):
		}
		var all, again bool
		var wanted map[netns.ID][]netns.ID
		if all, again, wanted, pause = c.targetsToRead(); all {
			found, began := r.readAll(again)
			c.enterTargets(found, began, again)
		}
		for from, to := range wanted {
			c.enterLinks(from, r.readLinks(from, to))
		}
		c.wait(func(time.Time) time.Duration { return leastWait })
	}
}

// targetsToRead says what must be read now: the addresses of all namespaces, also of
// those that are known, which links are to be checked, and when to look again.
func (c *Cache) targetsToRead() (all, again bool, wanted map[netns.ID][]netns.ID, pause time.Duration) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.targets
	inUse, age, least := now.Sub(t.used) < 2*refresh, now.Sub(t.read), max(leastWait, share*t.cost)
	wanted = map[netns.ID][]netns.ID{}
	for from, l := range t.links {
		if len(l.want) > 0 {
			wanted[from] = slices.Collect(maps.Keys(l.want))
		}
	}
	switch {
	case t.want && age < least:
		pause = least - age
	case inUse:
		pause = refresh / 5
	default:
		pause = idleWait
	}
	due := now.Sub(t.readAll) >= max(refresh, share*t.allCost)
	return age >= least && (t.want || inUse && due), due, wanted, pause
}

// enterTargets enters what was read.
func (c *Cache) enterTargets(found map[netip.Addr][]*Target, began time.Time, again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, now := &c.targets, c.now()
	t.byAddr, t.read, t.cost, t.want = found, began, now.Sub(began), false
	if again {
		t.readAll, t.allCost = began, now.Sub(began)
	}
}

// enterLinks enters which of the namespaces that were asked for are linked.
func (c *Cache) enterLinks(from netns.ID, to map[netns.ID]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.targets.links[from]
	for id, there := range to {
		if l.checked != nil {
			l.checked[id] = link{there, c.now()}
			delete(l.want, id)
		}
	}
}
