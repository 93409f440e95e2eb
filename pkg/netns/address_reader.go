// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"time"
)

const (
	// addressesFor is how long a namespace's addresses are believed while they are
	// in use, and missingFor how long it is that an address is none of them.
	addressesFor = 5 * time.Second
	missingFor   = 100 * time.Millisecond
	// readBurst is how long addresses may be read at once.
	readBurst = 100 * time.Millisecond
	// These bound the memory: the namespaces, and the addresses of all.
	maxRead, maxReadAddresses = 4096, 1 << 18
)

// numFinds is how many ways there are to look for namespaces.
const numFinds = 3

// AddressReader knows which addresses are a namespace's own. It reads them when it is
// asked and does not know, which takes no more than a part of the time: beyond that it
// does not know. It is for one goroutine.
type AddressReader struct {
	now func() time.Time
	// finds are the ways to look for namespaces, the cheapest first.
	finds [numFinds]func() Locations
	at    func(inode uint32) Location
	read  func(at Location, id ID) (*Addresses, error)

	own      uint32
	cookies  bool
	table    *Table[readAddresses]
	total    int // addresses in the table
	reads    budget
	searches [numFinds]budget
}

// readAddresses is what is known of one namespace.
type readAddresses struct {
	*Addresses           // nil: they could not be read
	began      time.Time // when they were
	used       time.Time
	sought     time.Time // when it was looked for and not found
	replaced   bool      // another namespace has its inode number
}

// NewAddressReader returns an AddressReader that knows nothing yet.
func NewAddressReader() *AddressReader {
	f := NewFinder()
	r := newAddressReader()
	r.now, r.at, r.read = time.Now, f.At, readAt
	r.finds = [numFinds]func() Locations{
		func() Locations { return f.Find(false) },
		func() Locations { return f.Search(false) },
		func() Locations { return f.Search(true) },
	}
	r.own, _ = Own()
	r.cookies = CookiesReadable()
	return r
}

func newAddressReader() *AddressReader {
	return &AddressReader{table: NewTable[readAddresses](), reads: budget{burst: readBurst}}
}

// readAt reads the addresses of a namespace.
func readAt(at Location, id ID) (a *Addresses, err error) {
	err = OnThread(func(t *Thread) error {
		if id.Inode == t.Own() {
			at = t.OwnLocation()
		}
		return t.Do(at, id, func(ID) error {
			a, err = ReadAddresses()
			return err
		})
	})
	return a, err
}

// Local says whether an address is one of the namespace, and whether that is known, or
// may be known later.
func (r *AddressReader) Local(id ID, ip netip.Addr) (local, known, later bool) {
	now := r.now()
	n := r.of(id, now)
	n.used = now
	if age := now.Sub(n.began); n.Addresses != nil && age < addressesFor {
		if has, all := n.Has(ip); has || age < missingFor {
			return has, all, false
		}
	}
	r.refresh(n, id, now)
	if n.Addresses == nil || !n.final(now) && now.Sub(n.began) > 2*addressesFor {
		return false, false, !n.final(now)
	}
	local, known = n.Has(ip)
	return local, known, false
}

// final says that there is no more to be read: the namespace is gone.
func (n *readAddresses) final(now time.Time) bool {
	return n.replaced || now.Sub(n.sought) < addressesFor
}

// of finds what is known of a namespace.
func (r *AddressReader) of(id ID, now time.Time) *readAddresses {
	n := r.table.Get(id)
	if n == nil {
		if r.table.Len() >= maxRead || r.total > maxReadAddresses {
			r.forget()
		}
		n = &readAddresses{}
		r.table.Add(id, n)
	}
	if !r.cookies && !r.table.Latest(id) {
		n.replaced = true // as another record shows
	}
	return n
}

// forget makes room: it forgets the half of the namespaces that were not asked about
// for the longest time.
func (r *AddressReader) forget() {
	all := maps.Collect(r.table.All())
	byUse := slices.SortedFunc(maps.Keys(all), func(a, b ID) int { return all[a].used.Compare(all[b].used) })
	for _, id := range byUse[:(len(byUse)+1)/2] {
		r.table.Remove(id)
		r.total -= all[id].Len()
	}
}

// refresh reads the addresses of a namespace if that is fair and if it can be found.
// What was read before of one that is gone stays.
func (r *AddressReader) refresh(n *readAddresses, id ID, now time.Time) {
	if n.final(now) || !r.reads.fair(now) {
		return
	}
	at, found := r.locate(n, id.Inode)
	if !found {
		return
	}
	began := r.now()
	read, err := r.read(at, id)
	r.reads.spend(began, r.now())
	switch {
	case errors.Is(err, ErrReplaced):
		n.replaced = true
	case err != nil:
		n.sought = began
	default:
		r.total += read.Len() - n.Len()
		n.Addresses, n.began = read, began
	}
}

// locate finds where a namespace is. It looks at the threads and open files of all
// processes where nothing else leads there.
func (r *AddressReader) locate(n *readAddresses, inode uint32) (at Location, found bool) {
	at = r.at(inode)
	if inode == r.own || at.LeadsTo(inode) {
		return at, true
	}
	for i, find := range r.finds {
		began := r.now()
		if !r.searches[i].fair(began) {
			return at, false
		}
		at = find()[inode]
		r.searches[i].spend(began, r.now())
		if at.LeadsTo(inode) {
			return at, true
		}
	}
	n.sought = r.now()
	return at, false
}
