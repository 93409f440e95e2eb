// SPDX-License-Identifier: Apache-2.0

package host

import (
	"maps"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
)

// maxWarm bounds the namespaces that are looked at before anybody asks.
const maxWarm = 1024

// errand is what is to be found out in one namespace, and what came of it.
type errand struct {
	netns   uint32
	listens bool
	links   []uint32
	levels  bool

	began   time.Time
	took    time.Duration
	sockets []socket
	names   map[uint32]string
	level   *Conntrack
}

// visits runs the errands into the namespaces.
func (d *Directory) visits() {
	defer d.workers.Done()
	a := newAtlas(d.now)
	d.warm(a.known)
	for pause := time.Duration(0); ; {
		select {
		case <-d.stop:
			return
		case <-d.visitor:
		case <-time.After(pause):
		}
		var errands []*errand
		errands, pause = d.errands()
		a.run(errands)
		d.report(errands)
	}
}

// warm asks about every namespace, so that the first records need not wait.
func (d *Directory) warm(known places) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for netns := range known {
		if s := d.space(netns); s != nil && len(d.spaces) <= maxWarm {
			s.want = true
		}
	}
	d.people.want = true
}

// errands collects what is to be done now, and when to look again.
func (d *Directory) errands() (errands []*errand, pause time.Duration) {
	now := d.now()
	pause = nap
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inUse(now) {
		pause = refresh / 5
	}
	for netns, s := range d.spaces {
		e := s.errand(netns, now)
		if s.want && !e.listens {
			pause = gap // too soon
		}
		if e.listens || e.levels || e.links != nil {
			errands = append(errands, e)
		}
	}
	return errands, pause
}

func (s *space) errand(netns uint32, now time.Time) *errand {
	e := &errand{netns: netns, levels: s.wantLevel}
	age := now.Sub(s.looked)
	again := now.Sub(s.used) < 2*refresh && age >= max(refresh, share*s.cost)
	e.listens = again || s.want && age >= max(gap, share*s.cost)
	for ifindex, want := range s.wantLinks {
		if want {
			e.links = append(e.links, ifindex)
		}
	}
	if again {
		e.links = slices.AppendSeq(e.links, maps.Keys(s.links))
	}
	return e
}

// do finds out what is asked for, in the thread's namespace. What cannot be
// found out is not there.
func (e *errand) do() error {
	if e.listens {
		e.sockets, _ = listening()
	}
	if e.levels {
		e.level, _ = readConntrack(sysctlConntrack)
	}
	for _, ifindex := range e.links {
		e.names[ifindex] = ""
		if link, err := netlink.LinkByIndex(int(ifindex)); err == nil {
			e.names[ifindex] = link.Attrs().Name
		}
	}
	return nil
}

// report enters what came of the errands.
func (d *Directory) report(errands []*errand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range errands {
		s := d.spaces[e.netns]
		if s == nil || e.began.IsZero() {
			continue
		}
		if s.enter(e, d.people.sought) {
			d.people.want = true
			d.scout.wake()
		}
	}
}

// enter says whether there are sockets whose owners were never looked for.
func (s *space) enter(e *errand, sought map[uint64]bool) (strangers bool) {
	maps.Copy(s.links, e.names)
	for ifindex := range e.names {
		delete(s.wantLinks, ifindex)
	}
	if e.levels {
		s.level, s.leveled, s.wantLevel = e.level, e.began, false
	}
	if !e.listens {
		return false
	}
	s.gone = slices.DeleteFunc(s.gone, func(f farewell) bool { return e.began.Sub(f.at) >= goneFor })
	here := map[uint64]bool{}
	s.byPort = map[uint16][]socket{}
	for _, sock := range e.sockets {
		here[sock.inode] = true
		s.byPort[sock.addr.Port()] = append(s.byPort[sock.addr.Port()], sock)
		strangers = strangers || !sought[sock.inode]
	}
	for _, sock := range s.sockets {
		if !here[sock.inode] {
			s.gone = append(s.gone, farewell{sock, e.began})
		}
	}
	s.sockets, s.looked, s.cost, s.want = e.sockets, e.began, e.took, false
	return strangers
}
