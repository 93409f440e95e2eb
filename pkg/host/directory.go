// SPDX-License-Identifier: Apache-2.0

package host

import (
	"maps"
	"net/netip"
	"sync"
	"time"
)

const (
	// refresh is how often what is in use is looked at again.
	refresh = 5 * time.Second
	// nap is how long the workers sleep while there are no questions.
	nap = time.Minute
	// gap is the least time between two looks at the same thing, and share
	// bounds what looking may take: one part in so many.
	gap   = 20 * time.Millisecond
	share = 20
	// levelFor is how long the fill of a connection tracking table is good for.
	levelFor = time.Second
	// goneFor is how long a socket is remembered that listens no more, and
	// missedFor how long it is believed that nothing listens.
	goneFor   = refresh
	missedFor = time.Second
	// maxSpaces and maxMissed bound the memory.
	maxSpaces, maxMissed = 4096, 4096
)

// Question is what somebody wants to know about a packet.
type Question struct {
	// Since is when the question came up: what was seen before says nothing
	// about what is missing.
	Since time.Time
	Netns uint32
	// Dst is the local address, Ifindex the interface that the packet came in
	// on, 0 for unknown.
	Dst     netip.AddrPort
	Ifindex uint32
	// Listener asks who listens at Dst, Conntrack how full the table is.
	Listener, Conntrack bool
}

// Answer is as much as is known.
type Answer struct {
	Listener  *Listener  // nil where nothing listens
	Conntrack *Conntrack // nil where there is no table
	Interface string     // the name of Ifindex
}

// Listener is who listens on a port.
type Listener struct {
	Port uint16
	// Process is the eldest of those that have the port; without a PID where
	// that may not be known.
	Process
	// Shared is how many further processes have it: by sockets of their own
	// (SO_REUSEPORT) or by one that they inherited.
	Shared int
}

// Directory answers questions from memory. What it does not know, or has not
// looked at for a while, it looks up in the background.
type Directory struct {
	now            func() time.Time
	stop           chan struct{}
	stopping       sync.Once
	workers        sync.WaitGroup
	visitor, scout worker

	mu     sync.Mutex
	spaces map[uint32]*space
	people people
}

// space is what is known of one network namespace.
type space struct {
	used    time.Time // when there was a question about it
	sockets []socket
	byPort  map[uint16][]socket
	gone    []farewell
	looked  time.Time // when sockets were current; zero: never
	cost    time.Duration
	want    bool // a newer look at the sockets
	// missed is where nothing listened when it was last asked.
	missed map[netip.AddrPort]time.Time

	links     map[uint32]string
	wantLinks map[uint32]bool

	level     *Conntrack
	leveled   time.Time
	wantLevel bool
}

// farewell is a socket that listens no more.
type farewell struct {
	socket
	at time.Time
}

// people are those who have the sockets.
type people struct {
	owners    owners
	processes map[int]processAge
	sought    map[uint64]bool // the sockets that were looked for
	looked    time.Time
	cost      time.Duration
	want      bool
}

// worker is a goroutine that can be woken.
type worker chan struct{}

func (w worker) wake() {
	select {
	case w <- struct{}{}:
	default:
	}
}

// NewDirectory returns a directory that begins to look around.
func NewDirectory() *Directory {
	d := newDirectory(time.Now)
	d.workers.Add(2)
	go d.visits()
	go d.scouting()
	return d
}

func newDirectory(now func() time.Time) *Directory {
	return &Directory{
		now: now, stop: make(chan struct{}), visitor: make(worker, 1), scout: make(worker, 1),
		spaces: map[uint32]*space{},
	}
}

// Close ends the looking, also when it is called again. Questions may still be
// asked.
func (d *Directory) Close() error {
	d.stopping.Do(func() { close(d.stop) })
	d.workers.Wait()
	return nil
}

// Ask returns at once what is known, and whether that is all that can be.
func (d *Directory) Ask(q Question) (a Answer, all bool) {
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.space(q.Netns)
	if s == nil {
		return a, true
	}
	idle := now.Sub(s.used) > refresh
	s.used = now
	all = true
	if q.Listener {
		var known bool
		a.Listener, known = d.listener(s, &q, now)
		all = all && known
	}
	if q.Conntrack {
		a.Conntrack = s.level
		s.wantLevel = now.Sub(s.leveled) > levelFor
		all = all && !s.wantLevel
	}
	if q.Ifindex != 0 {
		var known bool
		a.Interface, known = s.links[q.Ifindex]
		s.wantLinks[q.Ifindex] = !known
		all = all && known
	}
	if !all || idle {
		d.visitor.wake()
	}
	if idle {
		d.scout.wake()
	}
	return a, all
}

// space finds a namespace or adds it. It is nil when there is no room.
func (d *Directory) space(netns uint32) *space {
	s := d.spaces[netns]
	if s == nil && len(d.spaces) >= maxSpaces {
		idle := func(_ uint32, s *space) bool { return d.now().Sub(s.used) > 2*refresh }
		maps.DeleteFunc(d.spaces, idle)
	}
	if s == nil && len(d.spaces) < maxSpaces {
		s = &space{missed: map[netip.AddrPort]time.Time{}, links: map[uint32]string{}, wantLinks: map[uint32]bool{}}
		d.spaces[netns] = s
	}
	return s
}

// listener says who listens, and whether that is certain.
func (d *Directory) listener(s *space, q *Question, now time.Time) (*Listener, bool) {
	found := match(s.byPort[q.Dst.Port()], q.Dst, q.Ifindex)
	if found != nil && now.Sub(s.looked) > 2*max(refresh, share*s.cost) {
		s.want = true
		l, _ := d.who(found, q, now)
		return l, false
	}
	if found == nil {
		known := s.knowsMiss(q, now)
		s.want = s.want || !known
		if found = match(s.bygone(now), q.Dst, q.Ifindex); found == nil || !known {
			return nil, known
		}
	}
	return d.who(found, q, now)
}

// knowsMiss says whether it is certain that nothing listens.
func (s *space) knowsMiss(q *Question, now time.Time) bool {
	if at, ok := s.missed[q.Dst]; ok && now.Sub(at) < missedFor {
		return true
	}
	if !s.looked.After(q.Since) {
		return false
	}
	if len(s.missed) >= maxMissed {
		clear(s.missed)
	}
	s.missed[q.Dst] = s.looked
	return true
}

func (s *space) bygone(now time.Time) []socket {
	var sockets []socket
	for _, f := range s.gone {
		if now.Sub(f.at) < goneFor {
			sockets = append(sockets, f.socket)
		}
	}
	return sockets
}

// who says whose sockets these are, and whether that is certain.
func (d *Directory) who(sockets []socket, q *Question, now time.Time) (*Listener, bool) {
	p := &d.people
	known := now.Sub(p.looked) <= 2*max(refresh, share*p.cost)
	for _, s := range sockets {
		known = known && p.sought[s.inode]
	}
	if !known {
		p.want = true
		d.scout.wake()
	}
	l := &Listener{Port: q.Dst.Port()}
	if pids := p.owners.of(sockets); len(pids) > 0 {
		l.Process = p.eldest(pids)
		l.Shared = len(pids) - 1
	}
	return l, known
}
